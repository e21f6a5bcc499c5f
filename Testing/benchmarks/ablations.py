"""What each choice of the networks does: the defaults, and one thing changed at a time, on small cases.

    python Testing/benchmarks/ablations.py ../shared/data --results ablations.jsonl
    python Testing/benchmarks/ablations.py ../shared/data --results ablations.jsonl --only unet,deeplabv3plus,manet

Every line stands against the first, ``unet`` with its defaults: differences of Dice in pairs, their mean over the cases
and its standard error. Cases are of seven data sets; see `network_trials` for what keeps the numbers repeatable.
"""

from __future__ import annotations

import argparse
import sys

from network_trials import Trial, add_arguments, run_all, table

CASES = (
    "MSD_hippocampus_014",
    "PROMISE12_demo0",
    "SCT_t2",
    "OpenKBP_pt_60",
    "StrokeT2_clinical",
    "LA2018_5QFK2PMH",
)

TRIALS = [
    Trial("unet", "unet"),
    Trial("deeplabv3plus", "deeplabv3plus"),
    Trial("manet", "manet"),
    Trial("prior=guided", "unet", {"prior": "guided"}),
    Trial("guided", "guided"),
    Trial("loss=dice", "unet", {"loss": "dice"}),
    Trial("loss=ce", "unet", {"loss": "ce"}),
    Trial("neighbours=0", "unet", {"neighbours": "0"}),
    Trial("neighbours=2", "unet", {"neighbours": "2"}),
    Trial("optimisation=two-step", "unet", {"optimisation": "two-step"}),
    Trial("border_planes=0", "unet", {"border_planes": "0"}),
    Trial("known_channel=true", "unet", {"known_channel": "true"}),
    Trial("shape", "shape"),
    Trial("nearest", "nearest"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser, CASES)
    arguments = parser.parse_args()
    only = arguments.only.split(",") if arguments.only else [trial.name for trial in TRIALS]
    rows = run_all(arguments, [trial for trial in TRIALS if trial.name in only])
    done = {row["trial"] for row in rows}
    sys.stdout.write(table(rows, [trial for trial in TRIALS if trial.name in done], "dice", "unet") + "\n")


if __name__ == "__main__":
    main()
