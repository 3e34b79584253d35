"""Journey 8: the identity provider is killed while people write. No commit ends in an unknown state."""

import json
import threading
import time

import pyarrow
from gate import NAMESPACES
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import CommitStateUnknownException, RESTError

from stack.web import Answer


def test_writes_go_on_through_an_outage_and_no_commit_is_in_doubt(gates, lake, keycloak, nessie, namespace):
    # Tokens end after two seconds, so that the writers need the identity provider all the time.
    change = {"catalogs": {"lake": {"token": {"life": "2s"}}}, "limits": {"exchange_timeout": "1s", "request_deadline": "3s"}}
    with gates(catalog=nessie.port, change=change) as gate:
        tokens = {name: keycloak.user_token(name) for name in ("alice", "bob")}
        catalog = load_catalog("lake", token=tokens["alice"], **lake.client_properties(gate.url))
        rows = pyarrow.table({"id": [1]})
        catalog.create_namespace(namespace)
        catalog.create_table(f"{namespace}.t", schema=rows.schema)
        over = threading.Event()
        appended: list[bool] = []
        answers: list[Answer] = []
        doubts: list[BaseException] = []

        def append():
            while not over.is_set():
                try:
                    catalog.load_table(f"{namespace}.t").append(rows)
                    appended.append(True)
                except RESTError as refusal:
                    appended.append(False)
                    if isinstance(refusal, CommitStateUnknownException):
                        doubts.append(refusal)
                except BaseException as other:
                    doubts.append(other)
                    raise
                time.sleep(0.1)

        def set_properties():
            body = json.dumps({"updates": {"turn": str(len(answers))}, "removals": []}).encode()
            while not over.is_set():
                answers.append(gate.ask("POST", f"{NAMESPACES}/{namespace}/properties", token=tokens["bob"], body=body,
                                        headers=[("Content-Type", "application/json")]))
                body = json.dumps({"updates": {"turn": str(len(answers))}, "removals": []}).encode()
                time.sleep(0.1)

        writers = [threading.Thread(target=append), threading.Thread(target=set_properties)]
        for writer in writers:
            writer.start()
        time.sleep(1)
        keycloak.kill()
        time.sleep(3)
        keycloak.start()
        keycloak.wait_ready()
        back = len(appended), len(answers)
        deadline = time.monotonic() + 30
        while not (any(appended[back[0]:]) and any(answer.status == 200 for answer in answers[back[1]:])):
            assert time.monotonic() < deadline, "the writers did not recover by themselves"
            time.sleep(0.1)
        over.set()
        for writer in writers:
            writer.join(60)

        assert doubts == []
        assert {True, False} == set(appended)
        assert {answer.status for answer in answers} == {200, 429}
        for answer in answers:
            assert answer.status == 200 or int(answer.headers["retry-after"]) >= 1
        # What was acknowledged happened, and nothing else. The catalog is asked without the gate.
        direct = load_catalog("lake", token=keycloak.exchanged_token(keycloak.user_token("alice")), **lake.client_properties())
        assert direct.load_table(f"{namespace}.t").scan().to_arrow().num_rows == appended.count(True)
        updates = [entry for entry in nessie.history()
                   if namespace in entry["message"] and entry["committer"] == "bob"]
        assert len(updates) == sum(answer.status == 200 for answer in answers)
        assert {(line["method"] == "GET", line["status"]) for line in gate.access_log() if line["status"] >= 400} \
            <= {(True, 503), (False, 429)}
