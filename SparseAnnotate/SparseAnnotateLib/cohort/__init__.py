"""One network for many scans, each of which has a few painted planes (Specktor-Fadida 2023; Zhang 2019)."""
