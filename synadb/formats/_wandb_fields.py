"""The fields of the records in a wandb log, as far as anything is made of them."""

from __future__ import annotations

from synadb.formats._protobuf import Field, message
from synadb.formats.wandb_log import _RECORD, _RUN

__all__ = ["EVERYTHING"]

_STRINGS = {1: Field("key", "string"), 2: Field("value", "string")}
_TIME = message({1: Field("seconds", "int"), 2: Field("nanos", "int")})
_JSON_ITEM = message({1: Field("key", "string"), 16: Field("value_json", "string")})
_GIT = message({1: Field("remote", "string"), 2: Field("commit", "string")})
_EXTRA = message({1: Field("key", "string"), 2: Field("value_json", "string")})
_ENTRY = message(
    {
        1: Field("path", "string"),
        2: Field("digest", "string"),
        3: Field("ref", "string"),
        4: Field("size", "int"),
        6: Field("local_path", "string"),
        7: Field("birth_artifact_id", "string"),
        16: Field("extra", _EXTRA, repeated=True),
    }
)
_ARTIFACT = message(
    {
        4: Field("type", "string"),
        5: Field("name", "string"),
        6: Field("digest", "string"),
        7: Field("description", "string"),
        8: Field("metadata", "string"),
        11: Field("aliases", "string", repeated=True),
        12: Field(
            "manifest",
            message({4: Field("contents", _ENTRY, repeated=True), 5: Field("in_file", "string")}),
        ),
        13: Field("distributed_id", "string"),
        14: Field("finalize", "bool"),
        15: Field("client_id", "string"),
        18: Field("ttl", "int"),
        19: Field("tags", "string", repeated=True),
    }
)
_GPU = message(
    {
        1: Field("name", "string"),
        2: Field("memoryTotal", "int"),
        3: Field("cudaCores", "int"),
        4: Field("architecture", "string"),
        5: Field("uuid", "string"),
    }
)
_DISK = message(
    {
        1: Field("key", "string"),
        2: Field("value", message({1: Field("total", "int"), 2: Field("used", "int")})),
    }
)
# The names are those of wandb-metadata.json.
_ENVIRONMENT = message(
    {
        1: Field("os", "string"),
        2: Field("python", "string"),
        3: Field("startedAt", _TIME),
        4: Field("docker", "string"),
        5: Field("args", "string", repeated=True),
        6: Field("program", "string"),
        7: Field("codePath", "string"),
        8: Field("codePathLocal", "string"),
        9: Field("git", _GIT),
        10: Field("email", "string"),
        11: Field("root", "string"),
        12: Field("host", "string"),
        13: Field("username", "string"),
        14: Field("executable", "string"),
        15: Field("colab", "string"),
        16: Field("cpu_count", "int"),
        17: Field("cpu_count_logical", "int"),
        18: Field("gpu", "string"),
        19: Field("gpu_count", "int"),
        20: Field("disk", _DISK, repeated=True),
        21: Field("memory", message({1: Field("total", "int")})),
        22: Field("cpu", message({3: Field("model", "string")})),
        24: Field("gpu_nvidia", _GPU, repeated=True),
        25: Field("cudaVersion", "string"),
        27: Field("slurm", message(_STRINGS), repeated=True),
        199: Field("writerId", "string"),
    }
)
_BRANCH = message(
    {1: Field("run", "string"), 2: Field("value", "double"), 3: Field("metric", "string")}
)
_ALERT = message(
    {
        1: Field("title", "string"),
        2: Field("text", "string"),
        3: Field("level", "string"),
        4: Field("wait_duration", "int"),
    }
)
_WHOLE_RUN = _RUN | message(
    {
        14: Field("starting_step", "int"),
        18: Field("resumed", "bool"),
        21: Field("git", _GIT),
        22: Field("forked", "bool"),
        23: Field("branch_point", _BRANCH),
        24: Field("resume", "bool"),
    }
)
EVERYTHING = _RECORD | message(
    {
        7: Field(
            "stats",
            message({2: Field("timestamp", _TIME), 3: Field("item", _JSON_ITEM, repeated=True)}),
        ),
        8: Field("artifact", _ARTIFACT),
        10: Field("alert", _ALERT),
        17: Field("run", _WHOLE_RUN),
        23: Field("preempting", message({})),
        25: Field(
            "use_artifact", message({2: Field("type", "string"), 3: Field("name", "string")})
        ),
        26: Field("environment", _ENVIRONMENT),
    }
)
