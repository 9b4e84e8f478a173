"""Reads the sandbox with the Python SDK and compares what it finds with our report on alice."""

import json
import pathlib
import sys

from databricks.sdk import AccountClient, WorkspaceClient
from jsonschema import Draft202012Validator


def main(alice_path: str, doctor_path: str, schemas: str, reports: str) -> None:
    alice = json.loads(pathlib.Path(alice_path).read_text())
    doctor = json.loads(pathlib.Path(doctor_path).read_text())
    others = [(json.loads(p.read_text()), p.stem) for p in sorted(pathlib.Path(reports).glob("*.json"))]
    for report, name in [(alice, "principal"), (doctor, "doctor"), *others]:
        check("the mode of a report", report["report"], name)
        schema = json.loads((pathlib.Path(schemas) / f"{name}.v1.schema.json").read_text())
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(report)

    account = AccountClient()
    users = [u for u in account.users.list(filter='userName eq "alice@acme.test"')]
    check("one alice", len(users), 1)
    check("her id", alice["principal"]["id"], users[0].id)

    # Direct groups, worked out from the members of every group.
    direct = sorted(
        g.display_name
        for g in (account.groups.get(g.id) for g in account.groups.list(attributes="id"))
        if any(m.value == users[0].id for m in g.members or []) and g.display_name != "account users"
    )
    ours = sorted(
        m["group"]["name"] for m in alice["memberships"] if m["direct"] and m["group"]["source"] != "system"
    )
    check("direct groups", ours, direct)

    running = {w.workspace_id: w for w in account.workspaces.list() if w.workspace_status.value == "RUNNING"}
    check("workspaces of the report", {int(w["id"]) for w in alice["workspaces"]} <= set(running), True)

    # Personal grants on catalogs and schemas, read one by one.
    personal = set()
    for metastore in account.metastores.list():
        attached = [w for w in running if w in list(account.metastore_assignments.list(metastore.metastore_id))]
        workspace = WorkspaceClient(
            host=f"https://{running[attached[0]].deployment_name}.acme.test",
            **{k: getattr(account.config, k) for k in ("client_id", "client_secret", "auth_type")},
        )
        for catalog in workspace.catalogs.list(include_unbound=True):
            if set(catalog.name) & set("/#?%"):
                print(f"peers: left out {catalog.name!r}: this SDK puts names into paths unescaped")
                continue
            personal |= held(workspace, metastore.name, "catalog", catalog.full_name or catalog.name)
    ours = {
        (g["securable"]["metastore"], g["securable"]["full_name"], p)
        for g in alice["grants"]
        if g["source"] == "direct" and g["securable"]["type"] == "CATALOG"
        for p in g["privileges"]
    }
    check("personal grants on catalogs", sorted(ours), sorted(personal))
    print(f"peers: {2 + len(others)} reports valid, the SDK and the program agree on alice")


def held(workspace, metastore, kind, name):
    assignments = workspace.grants.get(kind, name).privilege_assignments or []
    return {
        (metastore, name, p.value)
        for a in assignments
        if a.principal == "alice@acme.test"
        for p in a.privileges or []
    }


def check(what, got, want):
    if got != want:
        sys.exit(f"{what}: got {got!r}, want {want!r}")


main(*sys.argv[1:])
