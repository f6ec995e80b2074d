"""How far the names of wandb work here, where they are not simply as in wandb.

The compatibility table in the docs is made from this, from `_surface` (names that are not here) and
from the functions that say "Not supported" themselves; `synadb compare` tells by it which calls of
a script have no effect. No run imports this module.

A name is dotted below `wandb`, a method of the active run as `Run.log`; an argument is written
`init(anonymous=)`. Settings are told apart by `_settings_fields.variables`.
"""

from __future__ import annotations

__all__ = ["DIFFERENT", "NO_EFFECT", "PARTLY", "REFUSED_COMMANDS"]

_NO_ACCOUNT = "there is no account and no key"
_NO_CACHE = "there is no cache beside the database"
_ANY_ENTITY = "every entity is the same"
_NO_PAGE = "the address is that of the database file; there is no page to open"
_NO_TRACE = "the library's calls are not followed; log what matters with `wandb.log`"
_WEAVE = "no Weave is started and nothing is sent to it"
_FLOW = "what it decorates is left alone; log inside of the step"

# Accepted, and nothing comes of it.
NO_EFFECT: dict[str, str] = {
    "Api(timeout=)": "nothing is waited for",
    "Api.create_project(entity=)": _ANY_ENTITY,
    "Api.runs(include_sweeps=)": "a run's sweep is always known",
    "Artifact(storage_region=)": "kept in the manifest; content goes into the database",
    "Artifact(use_as=)": "as in wandb",
    "Artifact.download(multipart=)": _NO_CACHE,
    "Artifact.download(skip_cache=)": _NO_CACHE,
    "Artifact.wait(timeout=)": "what has been logged is stored",
    "Run._label": "it names a library to wandb's service",
    "Run.status": "nothing ever waits to be uploaded; all counts are 0",
    "apis.public.Run.scan_history(page_size=)": "the database decides how much is read at once",
    "apis.public.Run.scan_history(use_cache=)": _NO_CACHE,
    "apis.public.summary.HTTPSummary.load": "the summary is read with the run",
    "ensure_configured": _NO_ACCOUNT,
    "init(anonymous=)": _NO_ACCOUNT,
    "init(force=)": _NO_ACCOUNT,
    "init(magic=)": "it has gone from wandb, too",
    "integration.cohere.autolog": _NO_TRACE,
    "integration.diffusers.autolog": _NO_TRACE,
    "integration.dspy.WandbDSPyCallback": _NO_TRACE,
    "integration.kfp.patch_kfp": _FLOW,
    "integration.kfp.unpatch_kfp": _FLOW,
    "integration.kfp.wandb_log": _FLOW,
    "integration.langchain.WandbTracer": "chains are not traced",
    "integration.metaflow.wandb_log": _FLOW,
    "integration.metaflow.wandb_track": "the data of a flow is not looked at",
    "integration.metaflow.wandb_use": "the data of a flow is not looked at",
    "integration.openai.autolog": _NO_TRACE,
    "integration.openai.fine_tuning.WandbLogger": "no jobs are fetched over the network",
    "integration.prodigy.upload_dataset": "Prodigy's database is not read; log a `wandb.Table`",
    "integration.weave.init_weave": _WEAVE,
    "integration.weave.init_weave_if_imported": _WEAVE,
    "keras.WandbCallback(compute_flops=)": "operations are not counted",
    "login": "True: " + _NO_ACCOUNT,
    "require": "what could be required is here already; unknown words are no error",
    "sagemaker_auth": "no key has to be brought into the container",
    "sdk.artifacts.artifact_file_cache.ArtifactFileCache": _NO_CACHE,
    "sdk.lib.telemetry.context": "nothing is reported to anybody",
}

# Something of it is missing.
PARTLY: dict[str, str] = {
    "Api.team": "any name gives a team whose one member is the user of this machine",
    "Api.user": "the user of this machine is the only one",
    "Api.users": "the user of this machine is the only one",
    "Api.viewer": "the user of this machine; there are no accounts",
    "Artifact(digest_algorithm=)": "digests are of MD5, whatever is asked for; it says so",
    "Artifact.add_reference": "local files and artifacts are looked at; what `s3`, `gs` and `http`"
    " addresses lead to is neither listed nor checksummed",
    "Artifact.url": _NO_PAGE,
    "Run.alert": "kept with the run and printed; nobody gets a message, `wait_duration` is kept",
    "Run.display": "shows what `to_html` gives",
    "Run.get_project_url": _NO_PAGE,
    "Run.get_sweep_url": _NO_PAGE,
    "Run.get_url": _NO_PAGE,
    "Run.pin_config_keys": "kept with the run; there is no page to pin them on",
    "Run.project_url": _NO_PAGE,
    "Run.save(policy=)": "`live` and `now` store at once and again at the end, not at each change",
    "Run.sweep_url": _NO_PAGE,
    "Run.to_html": "a summary of its own, not wandb's page; `height` and `hidden` change nothing",
    "Run.url": _NO_PAGE,
    "apis.public.File.path_uri": "the same as `url`: files lie in no bucket",
    "apis.public.Project.owner": "the user of this machine",
    "apis.public.Project.url": _NO_PAGE,
    "apis.public.Run.url": _NO_PAGE,
    "apis.public.Sweep.enqueue_run(display_name=)": "the run names itself",
    "apis.public.Sweep.url": _NO_PAGE,
    "apis.public.User": "the user of this machine is the only one",
    "apis.public.User.api_keys": "always empty: " + _NO_ACCOUNT,
    "apis.public.User.teams": "the user's own name: there are no accounts",
    "apis.reports": "reports can be put together and are kept nowhere",
    "integration.fastai.WandbCallback": "for fastai 1; fastai 2 has a callback of its own",
}

# Whole, and other than wandb 0.31 on purpose.
DIFFERENT: dict[str, str] = {
    "Api": "reads the local database, without a key; what is still being logged is there at once",
    "Api.runs": "any entity gives the same runs",
    "Artifact.aliases": "there right after `log_artifact`, in offline mode too",
    "Artifact.ttl": "what has expired goes when `synadb gc` runs; linked versions stay",
    "Image": "floats from 0 to 1 are scaled to 0 to 255, as wandb did before 0.31; `normalize=`",
    "Run.define_metric": '`summary="best"` with `goal=` works, as before 0.31',
    "Run.dir": "named as wandb's; with `SYNADB_RUN_DIR=0` a temporary folder",
    "Run.finish": "`quiet=` is accepted, as before 0.31; summary and step can be read afterwards",
    "Run.link_artifact": "links within the database; in offline mode wandb raises an error",
    "Run.log": "a row for a past step is merged into that step's row; `sync=` is accepted",
    "Run.name": "always there; in offline mode wandb has None",
    "Run.use_artifact": "finds versions in the database; in offline mode wandb raises an error",
    "Settings": "a field of an older wandb warns; an unknown one is an error, as in wandb",
    "Video": "an array without `format` becomes a GIF, as before 0.31",
    "apis.public.Run.history": "more rows than `samples` are thinned out the same way each time",
    "init(mode=)": "online, offline and shared record into the same file; disabled records nothing",
    "init(resume=)": "works in every mode; in offline mode wandb begins anew",
    "plot.pr_curve": "needs no scikit-learn",
    "plot.roc_curve": "needs no scikit-learn",
    "setup": "starts no process; the environment is read anew at every `init`",
    "sweep": "the search is done by the agents over the database, without a server",
}

# Commands of the program `wandb` that its stand-in refuses, and what there is instead.
REFUSED_COMMANDS: dict[str, str] = {
    "artifact": "`synadb show` lists artifacts; `wandb.Api().artifact(...).download()` fetches one",
    "beta": "there are no trial versions of commands",
    "clean": "nothing waits to be synced; `synadb rm` and `synadb gc`",
    "docker": "a container is started without help: `docker run` with SynaDB in the image",
    "docker-run": "a container is started without help: `docker run` with SynaDB in the image",
    "init": "no settings have to be written; docs/environment.md has the file that is read",
    "job": "jobs and queues are run by wandb's service",
    "launch": "jobs and queues are run by wandb's service",
    "launch-agent": "jobs and queues are run by wandb's service",
    "launch-sweep": "jobs and queues are run by wandb's service",
    "leet": "it shows wandb's own log files; `synadb plot` draws runs, `synadb tail` follows one",
    "pull": "`synadb export RUN --out DIR`",
    "purge-cache": "there is no cache beside the database",
    "restore": "`synadb export RUN --out DIR` writes out what was stored of a run",
    "scheduler": "jobs and queues are run by wandb's service",
    "server": "there is no server; the database is a file",
    "sweep-scheduler": "agents share the search; `synadb agent`",
    "sync": "nothing to upload; `synadb export --to wandb` brings runs to W&B, and"
    " `synadb import wandb` the other way",
    "verify": "it tests a self-hosted W&B; `synadb check` audits a database",
}
