"""Trials a second of Optuna's random sampler on an objective that does nothing, each storage by itself; one JSON object.

Usage: optuna_trials.py TRIALS_IN_MEMORY TRIALS_IN_SQLITE FOLDER
"""
import json
import sys
import time

import optuna


def rate(trials, storage):
    begin = time.perf_counter()
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(lambda trial: trial.suggest_float("learningRate", 1e-6, 1, log=True), n_trials=trials)
    seconds = time.perf_counter() - begin
    assert len(study.trials) == trials
    return trials / seconds


optuna.logging.set_verbosity(optuna.logging.WARNING)
in_memory, in_sqlite = int(sys.argv[1]), int(sys.argv[2])
print(json.dumps({
    "version": optuna.__version__,
    "inMemoryTrials": in_memory,
    "inMemory": round(rate(in_memory, None)),
    "sqliteTrials": in_sqlite,
    "sqlite": round(rate(in_sqlite, f"sqlite:///{sys.argv[3]}/optuna.db"), 1),
}))
