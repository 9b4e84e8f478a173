"""Validates app manifests, what slack doctor says, and the Kubernetes manifests."""

import copy
import json
import pathlib
import sys

import kubernetes_validate
import yaml
from jsonschema import Draft7Validator, Draft202012Validator

# The oldest Kubernetes that knows all that is used, and the newest that the validator knows.
KUBERNETES = ("1.31", "1.37")


def main(slack: str, contract: str, doctor: str, rendered: str, *apps: str) -> None:
    schema = json.loads(pathlib.Path(contract).read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(pathlib.Path(doctor).read_text()))
    if slack:
        validator = Draft7Validator(json.loads(pathlib.Path(slack).read_text()))
        for path in apps:
            app = yaml.safe_load(pathlib.Path(path).read_text())  # JSON is YAML
            validator.validate(app)
            for spoil in (lambda a: a["features"].update(typo=1), lambda a: a["display_information"].update(name="x" * 36)):
                spoiled = copy.deepcopy(app)
                spoil(spoiled)
                if validator.is_valid(spoiled):
                    sys.exit(f"deploy: {path} is valid even when it is spoiled: this check would find nothing")
        print(f"deploy: {len(apps)} app manifests are valid by Slack's schema")
    files = [p for p in sorted(pathlib.Path("manifests/kubernetes").glob("*.yaml")) if p.name not in ("kustomization.yaml", "bot.yaml")]
    objects = sum(map(kubernetes, files))
    if objects == 0:
        sys.exit("deploy: no Kubernetes objects were found")
    if rendered and (all_of_it := kubernetes(pathlib.Path(rendered))) != objects + 1:  # with the ConfigMap
        sys.exit(f"deploy: {objects} objects are written, and {all_of_it} applied")
    print(f"deploy: {objects} Kubernetes objects are valid by the schemas of Kubernetes {' and '.join(KUBERNETES)}")


def kubernetes(path: pathlib.Path) -> int:
    """Validates the objects in a file and counts them."""
    things = list(yaml.safe_load_all(path.read_text()))
    for thing in things:
        for version in KUBERNETES:
            kubernetes_validate.validate(thing, version, strict=True)
            try:
                kubernetes_validate.validate({**thing, "typo": 1}, version, strict=True)
            except kubernetes_validate.ValidationError:
                continue
            sys.exit(f"deploy: {path} is valid with a typo in it: this check would find nothing")
    return len(things)


main(*sys.argv[1:])
