"""Clinical read-outs of pictures and videos: angles, ranges, symmetry, quantity of motion, posture.

    track.py     poses over time → arrays
    readout.py   one figure with its interval and the share of frames it rests on
    summary.py   all read-outs of a track, as JSON

They describe what the joints show. They are never a diagnosis, and each carries how sure it is.
"""
