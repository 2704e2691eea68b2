"""Evaluation: a source and some models in, rows on disk and figures out.

    settings.py   what an evaluation is (YAML)
    models.py     who answers: the served Predictor, or baselines in the same table
    rows.py       one line a picture, of labels and of answers, on disk: a run can be resumed
    run.py        source → answers → rows, in constant memory
    judged.py     rows → arrays of people in pairs (answer, truth)
    figures.py    arrays → figures, by group
    pope.py       keypoint-POPE: balanced yes/no questions about a labelled set
    clip.py       still pictures → clips: jitter and what smoothing costs
    smoothing.py  the same on simulated tracks, where settings are chosen

posealign/report.py makes report.json, report.html and the tables from these.
"""
