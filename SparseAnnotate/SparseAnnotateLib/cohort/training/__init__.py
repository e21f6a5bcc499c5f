"""Learns one network from many partly painted scans; what comes out is a `cohort.model`.

`cohort` prepares the scans, `blocks` draws pieces of them, `batches` makes steps of these, `trainer` the whole
training. `settings` is what may be chosen, `optimizing` makes optimiser and schedule of it, `pace` how long it takes,
`checkpoint` how it goes on after a kill, `distributed` how several GPUs share it, and `logs` what it writes meanwhile.
"""
