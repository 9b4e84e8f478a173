"""Reads what `go version -m -json` says of a program and writes the modules in it as CycloneDX 1.6."""

import json
import sys
import urllib.parse

build = json.load(sys.stdin)


def component(module, kind):
    module = module.get("Replace") or module
    path, version = urllib.parse.quote(module["Path"]), urllib.parse.quote(module.get("Version", ""))
    said = {"type": kind, "name": module["Path"], "version": module.get("Version", ""), "purl": f"pkg:golang/{path}@{version}"}
    if module.get("Sum"):
        said["properties"] = [{"name": "go:sum", "value": module["Sum"]}]
    return said


deps = [component(m, "library") for m in build["Deps"]]
deps.append({"type": "library", "name": "stdlib", "version": build["GoVersion"], "purl": f"pkg:golang/stdlib@{build['GoVersion']}"})
json.dump(
    {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component(build["Main"], "application")},
        "components": deps,
    },
    sys.stdout,
    indent=1,
)
print()
