//! Bodies of real clients and of the specs, each with what it names.

#![allow(clippy::arithmetic_side_effects)]

use std::collections::BTreeSet;
use std::path::Path;

use icegate::iceberg::{
    Body, BodyFault, Kind, Noun, Operation, VIEW_OWNER, is_plain_name, names_in_body, read_body,
};
use icegate::limits::BODY_PLACES;
use serde_json::{Value, json};

/// A line for everything that was read: `role noun namespace.name`, where `~` is the namespace of the path.
pub(crate) fn shown(body: &Body) -> Vec<String> {
    let mut lines = Vec::new();
    for named in &body.names {
        let namespace = match &named.namespace {
            None => "~".to_owned(),
            Some(levels) => format!("[{}]", levels.join(",")),
        };
        lines.push(match &named.object {
            None => format!("{:?} {namespace}", named.role),
            Some(object) => format!(
                "{:?} {:?} {namespace}.{}",
                named.role, object.nouns, object.name
            ),
        });
    }
    for location in &body.locations {
        lines.push(format!("{} = {}", location.field, location.uri));
    }
    for catalog in &body.default_catalogs {
        lines.push(format!("default catalog {catalog}"));
    }
    if body.overwrites {
        lines.push("overwrites".to_owned());
    }
    if body.stages {
        lines.push("stages".to_owned());
    }
    if body.creates {
        lines.push("creates".to_owned());
    }
    for owner in &body.view_owners {
        lines.push(format!("owner {owner}"));
    }
    if body.disowns_view {
        lines.push("disowns".to_owned());
    }
    if body.rewrites_view {
        lines.push("rewrites".to_owned());
    }
    lines
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/native/golden/iceberg/bodies")
}

pub(crate) fn golden(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(format!("{name}.json"))).expect(name)
}

/// File, operation, and what it names.
pub(crate) const GOLDEN: &[(&str, Operation, &[&str])] = &[
    (
        "java-1.11-create-namespace",
        Operation::CreateNamespace,
        &["Created [jns,l2]"],
    ),
    (
        "java-1.11-create-table",
        Operation::CreateTable,
        &[
            "Created [Table] ~.t 1+x",
            "location = file:///lake/warehouse/jt",
            "properties.write.data.path = file:///lake/warehouse/jdata",
        ],
    ),
    // `"location":null` is no location.
    (
        "java-1.11-stage-table",
        Operation::CreateTable,
        &["Created [Table] ~.staged", "stages"],
    ),
    (
        "java-1.11-commit-create",
        Operation::UpdateTable,
        &[
            "updates[8].location = /lake/warehouse/jns/l2/staged",
            "creates",
        ],
    ),
    (
        "java-1.11-append",
        Operation::UpdateTable,
        &[
            "updates[0].snapshot.manifest-list = file:/lake/warehouse/jt/metadata/snap-8707040930988249862-1-d4222e41-a0a6-489e-9011-30f4f5df40f8.avro",
        ],
    ),
    (
        "java-1.11-set-location",
        Operation::UpdateTable,
        &["updates[0].location = file:///lake/warehouse/jt2"],
    ),
    (
        "java-1.11-set-properties",
        Operation::UpdateTable,
        &[
            "updates[0].updates.write.metadata.path = file:///lake/warehouse/jmeta",
            "updates[0].updates.write.object-storage.path = file:///lake/warehouse/old",
        ],
    ),
    (
        "java-1.11-set-statistics",
        Operation::UpdateTable,
        &["updates[0].statistics.statistics-path = file:///lake/warehouse/s.puffin"],
    ),
    (
        "java-1.11-set-partition-statistics",
        Operation::UpdateTable,
        &["updates[0].partition-statistics.statistics-path = file:///lake/warehouse/p.parquet"],
    ),
    (
        "java-1.11-create-view",
        Operation::CreateView,
        &[
            "DefaultNamespace [jns,l2]",
            "Created [View] ~.v",
            "location = file:///lake/warehouse/jv",
            "default catalog lake",
        ],
    ),
    (
        "java-1.11-replace-view",
        Operation::ReplaceView,
        &["DefaultNamespace [jns]", "rewrites"],
    ),
    (
        "java-1.11-set-view-location",
        Operation::ReplaceView,
        &["updates[0].location = file:///lake/warehouse/jv2"],
    ),
    (
        "java-1.11-rename-view",
        Operation::RenameView,
        &["Source [View] [jns,l2].v", "Destination [View] [jns].w"],
    ),
    (
        "java-1.11-rename-table",
        Operation::RenameTable,
        &[
            "Source [Table] [jns,l2].t 1+x",
            "Destination [Table] [jns].moved",
        ],
    ),
    (
        "java-1.11-register-table",
        Operation::RegisterTable,
        &[
            "Created [Table] ~.reg",
            "metadata-location = file:/lake/warehouse/jmeta/00005-af983273-aa5a-471d-a3a6-46584e1bce69.metadata.json",
        ],
    ),
    (
        "java-1.11-register-view",
        Operation::RegisterView,
        &[
            "Created [View] ~.regv",
            "metadata-location = file:/lake/warehouse/vmeta/00003-ffadf136-2502-44fa-bb43-fd7e5dcced6b.gz.metadata.json",
        ],
    ),
    (
        "java-1.11-transaction",
        Operation::CommitTransaction,
        &[
            "Changed [Table] [jns].moved",
            "Changed [Table] [jns,l2].staged",
            "table-changes[1].updates[0].snapshot.manifest-list = /lake/warehouse/jns/l2/staged/metadata/snap-1558823955103738428-1-6d8d49e4-beb7-4be6-87b0-0ec28262bb0e.avro",
        ],
    ),
    // The table's name in a report of metrics is for the reader of the report.
    ("java-1.11-commit-report", Operation::ReportMetrics, &[]),
    (
        "pyiceberg-0.12-create-namespace",
        Operation::CreateNamespace,
        &[
            "Created [sales]",
            "properties.location = file:///lake/warehouse/sales",
        ],
    ),
    (
        "pyiceberg-0.12-update-properties",
        Operation::UpdateProperties,
        &["updates.location = file:///lake/warehouse/sales2"],
    ),
    (
        "pyiceberg-0.12-create-table",
        Operation::CreateTable,
        &[
            "Created [Table] ~.located",
            "location = file:///lake/warehouse/elsewhere",
        ],
    ),
    (
        "pyiceberg-0.12-append",
        Operation::UpdateTable,
        &[
            "Changed [Table] [sales].orders",
            "updates[0].snapshot.manifest-list = /lake/warehouse/sales/orders/metadata/snap-5372473246632493223-0-f44f1254-3c98-4d7e-91b1-70742906d56d.avro",
        ],
    ),
    (
        "pyiceberg-0.12-rename-table",
        Operation::RenameTable,
        &[
            "Source [Table] [sales].located",
            "Destination [Table] [sales,emea x].moved",
        ],
    ),
    // `"overwrite":false` overwrites nothing.
    (
        "pyiceberg-0.12-register-table",
        Operation::RegisterTable,
        &[
            "Created [Table] ~.registered",
            "metadata-location = file:/lake/warehouse/meta/00002-6c5722ec-9a37-4d4e-a1d1-b864404c1ce5.metadata.json",
        ],
    ),
    (
        "pyiceberg-0.12-create-view",
        Operation::CreateView,
        &[
            "DefaultNamespace [sales]",
            "Created [View] ~.pv",
            "location = file:///lake/warehouse/pv",
        ],
    ),
    (
        "duckdb-1.5-create-table",
        Operation::CreateTable,
        &["Created [Table] ~.t", "stages"],
    ),
    (
        "duckdb-1.5-commit-create",
        Operation::UpdateTable,
        &[
            "Changed [Table] [duck].t",
            "updates[7].location = /lake/warehouse/duck/t",
            "creates",
        ],
    ),
    (
        "duckdb-1.5-transaction",
        Operation::CommitTransaction,
        &[
            "Changed [Table] [duck].t",
            "table-changes[0].updates[0].snapshot.manifest-list = /lake/warehouse/duck/t/metadata/snap-9054023478771205601-f6b6b281-88b9-4df5-8e62-cbaee18b4065.avro",
        ],
    ),
    (
        "duckdb-1.5-rename-table",
        Operation::RenameTable,
        &["Source [Table] [duck].t", "Destination [Table] [duck].t3"],
    ),
    (
        "polaris-attach-policy",
        Operation::AttachPolicy,
        &["Target [Table, View] [NS1,NS2].test_table_1"],
    ),
    (
        "polaris-attach-policy-catalog",
        Operation::DetachPolicy,
        &["Target []"],
    ),
    (
        "polaris-create-policy",
        Operation::CreatePolicy,
        &["Created [Policy] ~.compaction-policy"],
    ),
    (
        "polaris-create-generic-table",
        Operation::CreateGenericTable,
        &[
            "Created [GenericTable] ~.delta_table",
            "base-location = s3://acme/delta/delta_table",
            "properties.path = s3://acme/delta/delta_table",
        ],
    ),
    (
        "polaris-create-semantic-model",
        Operation::CreateSemanticModel,
        &["Created [SemanticModel] ~.tpcds_retail_model"],
    ),
    (
        "polaris-notification",
        Operation::SendNotification,
        &[
            "Notified [Table] ~.orders",
            "payload.metadata-location = s3://acme/sales/orders/metadata/00003.metadata.json",
            "payload.metadata.location = s3://acme/sales/orders",
            "payload.metadata.properties.write.data.path = s3://acme/sales/data",
            "payload.metadata.snapshots[0].manifests[0] = s3://acme/sales/orders/m1.avro",
            "payload.metadata.snapshots[0].manifests[1] = s3://acme/sales/orders/m2.avro",
            "payload.metadata.snapshots[1].manifest-list = s3://acme/sales/orders/snap-2.avro",
            "payload.metadata.metadata-log[0].metadata-file = s3://acme/sales/orders/metadata/00002.metadata.json",
            "payload.metadata.statistics[0].statistics-path = s3://acme/sales/orders/2.puffin",
            "payload.metadata.partition-statistics[0].statistics-path = s3://acme/sales/orders/2.parquet",
        ],
    ),
    ("spec-update-properties", Operation::UpdateProperties, &[]),
];

#[test]
fn what_clients_send_is_read() {
    for (name, operation, expected) in GOLDEN {
        let body = read_body(*operation, &golden(name)).expect(name);
        assert_eq!(shown(&body), *expected, "{name}");
    }
}

#[test]
fn the_index_lists_the_files() {
    let index = std::fs::read_to_string(folder().join("INDEX.md")).expect("the index");
    let listed: BTreeSet<&str> = index
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once(".json` |"))
        .map(|(name, _)| name)
        .collect();
    let read: BTreeSet<&str> = GOLDEN.iter().map(|(name, ..)| *name).collect();
    let there: BTreeSet<String> = std::fs::read_dir(folder())
        .expect("the folder")
        .map(|entry| {
            let name = entry.expect("an entry").file_name();
            name.to_string_lossy().into_owned()
        })
        .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
        .collect();
    assert_eq!(listed, read);
    assert_eq!(
        there.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        read
    );
}

#[test]
fn operations_that_name_something_in_their_body() {
    let those: Vec<&str> = Operation::ALL
        .iter()
        .filter(|operation| names_in_body(**operation))
        .map(|operation| operation.name())
        .collect();
    assert_eq!(
        those,
        [
            "createNamespace",
            "updateProperties",
            "createTable",
            "registerTable",
            "updateTable",
            "renameTable",
            "commitTransaction",
            "signRequest",
            "signS3Request",
            "createView",
            "registerView",
            "replaceView",
            "renameView",
            "sendNotification",
            "createGenericTable",
            "createPolicy",
            "attachPolicy",
            "detachPolicy",
            "createSemanticModel",
        ]
    );
    // The others are not read, whatever they are.
    assert_eq!(
        read_body(Operation::LoadTable, b"\xff"),
        Ok(Body::default())
    );
}

fn read(operation: Operation, body: &str) -> Result<Vec<String>, BodyFault> {
    read_body(operation, body.as_bytes()).map(|body| shown(&body))
}

#[test]
fn places_that_no_client_was_seen_to_use() {
    let table: [(Operation, Value, &[&str]); 11] = [
        // Iceberg's Java reads the types of requirements without regard to case.
        (
            Operation::UpdateTable,
            json!({"requirements": [{"type": "assert-table-uuid"}, {"type": "Assert-CREATE"}]}),
            &["creates"],
        ),
        (
            Operation::CommitTransaction,
            json!({"table-changes": [{"identifier": {"namespace": ["a"], "name": "t"}, "requirements": [{"type": "assert-create"}]}]}),
            &["Changed [Table] [a].t", "creates"],
        ),
        (
            Operation::SignRequest,
            json!({"region": "r", "uri": "https://minio/acme/k?x=y", "method": "PUT", "headers": {}}),
            &["uri = s3://acme/k"],
        ),
        (
            Operation::RegisterTable,
            json!({"name": "t", "metadata-location": "s3://b/m.json", "overwrite": true}),
            &[
                "Created [Table] ~.t",
                "metadata-location = s3://b/m.json",
                "overwrites",
            ],
        ),
        // `updated` is what `updates` was called at first; Java and Nessie read both.
        (
            Operation::UpdateTable,
            json!({"updates": [{"action": "set-properties", "updated": {"write.data.path": "s3://b/1"}, "updates": {"location": "s3://b/2", "write.x.y.path": "s3://b/3", "write.folder-storage.path": "s3://b/4", "default_location": "s3://b/5"}}]}),
            &[
                "updates[0].updated.write.data.path = s3://b/1",
                "updates[0].updates.default_location = s3://b/5",
                "updates[0].updates.location = s3://b/2",
                "updates[0].updates.write.folder-storage.path = s3://b/4",
                "updates[0].updates.write.*.path = s3://b/3",
            ],
        ),
        // Format version 1.
        (
            Operation::UpdateTable,
            json!({"updates": [{"action": "add-snapshot", "snapshot": {"manifests": ["s3://b/1", "s3://b/2"]}}]}),
            &[
                "updates[0].snapshot.manifests[0] = s3://b/1",
                "updates[0].snapshot.manifests[1] = s3://b/2",
            ],
        ),
        (
            Operation::ReplaceView,
            json!({"identifier": {"namespace": ["a"], "name": "v"}, "updates": [{"action": "set-properties", "updates": {"write.metadata.path": "s3://b/1"}}]}),
            &[
                "Changed [View] [a].v",
                "updates[0].updates.write.metadata.path = s3://b/1",
            ],
        ),
        (
            Operation::CreateView,
            json!({"name": "v", "view-version": {"default-namespace": []}, "properties": {"location": "s3://b/1"}}),
            &["Created [View] ~.v", "properties.location = s3://b/1"],
        ),
        (
            Operation::AttachPolicy,
            json!({"target": {"type": "namespace", "path": ["a", "b"]}, "parameters": {"x": "y"}}),
            &["Target [a,b]"],
        ),
        (
            Operation::DetachPolicy,
            json!({"target": {"type": "catalog", "path": []}}),
            &["Target []"],
        ),
        (
            Operation::SendNotification,
            json!({"notification-type": "DROP", "payload": {"table-name": "t", "metadata-location": null}}),
            &["Notified [Table] ~.t"],
        ),
    ];
    for (operation, body, expected) in table {
        assert_eq!(
            read(operation, &body.to_string()).expect("a body"),
            expected,
            "{body}"
        );
    }
}

/// What Trino's REST catalog writes (`TrinoRestCatalog.createView` through Iceberg's builder), and what could stand in its
/// place.
#[test]
fn owners_of_views() {
    let set = |properties: Value| json!({"action": "set-properties", "updates": properties});
    let owner = |owner: &str| json!({ VIEW_OWNER: owner });
    let version = json!({"action": "add-view-version", "view-version": {"default-namespace": []}});
    let current = json!({"action": "set-current-view-version", "view-version-id": -1});
    let removes = |names: Value| json!({"action": "remove-properties", "removals": names});
    let commit = |updates: Value| json!({"requirements": [], "updates": updates});
    let create = |properties: Value| json!({"name": "v", "properties": properties});
    let table: [(Operation, Value, &[&str]); 11] = [
        (
            Operation::CreateView,
            create(json!({VIEW_OWNER: "alice", "comment": "c"})),
            &["Created [View] ~.v", "owner alice"],
        ),
        (
            Operation::CreateView,
            create(json!({})),
            &["Created [View] ~.v"],
        ),
        // Keys are data, and no other.
        (
            Operation::CreateView,
            create(json!({"Trino.run-as-owner": "root", "trino.run_as_owner": "root"})),
            &["Created [View] ~.v"],
        ),
        // Trino reads no summary.
        (
            Operation::CreateView,
            json!({"name": "v", "view-version": {"summary": {VIEW_OWNER: "root"}}}),
            &["Created [View] ~.v"],
        ),
        (
            Operation::ReplaceView,
            commit(json!([set(owner("alice")), version, current])),
            &["owner alice", "rewrites"],
        ),
        (
            Operation::ReplaceView,
            commit(json!([set(owner("alice")), set(owner("root"))])),
            &["owner alice", "owner root"],
        ),
        (
            Operation::ReplaceView,
            commit(json!([{"action": "set-properties", "updated": owner("root")}])),
            &["owner root"],
        ),
        (
            Operation::ReplaceView,
            commit(json!([current])),
            &["rewrites"],
        ),
        (
            Operation::ReplaceView,
            commit(json!([removes(json!(["comment", VIEW_OWNER])), version])),
            &["disowns", "rewrites"],
        ),
        (
            Operation::ReplaceView,
            commit(json!([removes(json!(["comment"]))])),
            &[],
        ),
        (
            Operation::ReplaceView,
            commit(json!([set(json!({ VIEW_OWNER: null }))])),
            &[],
        ),
    ];
    for (operation, body, expected) in table {
        let read =
            read(operation, &body.to_string()).unwrap_or_else(|fault| panic!("{fault}: {body}"));
        assert_eq!(read, expected, "{body}");
    }
    for (body, fault) in [
        (
            r#"{"name":"v","properties":{"trino.run-as-owner":"a","trino.run-as-owner":"b"}}"#,
            BodyFault::DuplicateMember,
        ),
        (
            r#"{"name":"v","properties":{"trino.run-as-owner":["a"]}}"#,
            BodyFault::WrongType,
        ),
        (
            r#"{"name":"v","properties":{"trino.run-as-owner":{"a":1}}}"#,
            BodyFault::WrongType,
        ),
        (
            r#"{"name":"v","properties":{"trino.run-as-owner":true}}"#,
            BodyFault::WrongType,
        ),
    ] {
        assert_eq!(read(Operation::CreateView, body), Err(fault), "{body}");
    }
    let removed = r#"{"updates":[{"action":"remove-properties","removals":"trino.run-as-owner"}]}"#;
    assert_eq!(
        read(Operation::ReplaceView, removed),
        Err(BodyFault::WrongType)
    );
}

#[test]
fn faults() {
    use BodyFault::*;
    use Operation::*;
    let table: &[(Operation, &str, BodyFault)] = &[
        // JSON
        (CreateTable, "", NotJson),
        (CreateTable, r#"{"name":"t""#, NotJson),
        (CreateTable, r#"{"name":"t"}}"#, NotJson),
        (CreateTable, r#"{"name":"t"} {}"#, NotJson),
        (CreateTable, "{\"name\":\"t\"}\0", NotJson),
        (CreateTable, "\u{feff}{\"name\":\"t\"}", NotJson),
        (CreateTable, r#"{"name":"t",}"#, NotJson),
        (CreateTable, r#"{'name':'t'}"#, NotJson),
        (CreateTable, r#"{"name":"\ud800"}"#, NotJson),
        (CreateTable, r#"{"name":"t","schema":[}"#, NotJson),
        (CreateTable, r#"{"name":"t","schema":01}"#, NotJson),
        // Types
        (CreateTable, "null", WrongType),
        (CreateTable, r#"[{"name":"t"}]"#, WrongType),
        (CreateTable, r#""t""#, WrongType),
        (CreateTable, r#"{"name":1}"#, WrongType),
        (CreateTable, r#"{"name":["t"]}"#, WrongType),
        (CreateTable, r#"{"name":{"t":1}}"#, WrongType),
        (CreateTable, r#"{"name":"t","location":true}"#, WrongType),
        (
            CreateTable,
            r#"{"name":"t","location":["s3://b"]}"#,
            WrongType,
        ),
        (
            CreateTable,
            r#"{"name":"t","stage-create":"true"}"#,
            WrongType,
        ),
        (CreateTable, r#"{"name":"t","stage-create":1}"#, WrongType),
        (
            CreateTable,
            r#"{"name":"t","properties":[["location","s3://b"]]}"#,
            WrongType,
        ),
        (
            CreateTable,
            r#"{"name":"t","properties":{"location":1}}"#,
            WrongType,
        ),
        (CreateNamespace, r#"{"namespace":"a"}"#, WrongType),
        (CreateNamespace, r#"{"namespace":["a",null]}"#, WrongType),
        (CreateNamespace, r#"{"namespace":["a",1]}"#, WrongType),
        (
            UpdateTable,
            r#"{"updates":{"action":"set-location"}}"#,
            WrongType,
        ),
        (UpdateTable, r#"{"updates":[null]}"#, WrongType),
        (
            UpdateTable,
            r#"{"updates":[{"action":["set-location"]}]}"#,
            WrongType,
        ),
        (
            UpdateTable,
            r#"{"updates":[{"action":"add-snapshot","snapshot":"s"}]}"#,
            WrongType,
        ),
        // Twice
        (CreateTable, r#"{"name":"t","name":"t"}"#, DuplicateMember),
        (
            CreateTable,
            r#"{"name":"t","\u006eame":"u"}"#,
            DuplicateMember,
        ),
        (CreateTable, r#"{"name":null,"name":"u"}"#, DuplicateMember),
        (
            CreateTable,
            r#"{"name":"t","properties":{},"properties":{}}"#,
            DuplicateMember,
        ),
        (
            CreateTable,
            r#"{"name":"t","properties":{"location":"s3://a","lo\u0063ation":"s3://b"}}"#,
            DuplicateMember,
        ),
        (
            CreateTable,
            r#"{"name":"t","properties":{"write.x.path":"s3://a","a":"b","write.x.path":"s3://b"}}"#,
            DuplicateMember,
        ),
        (
            UpdateTable,
            r#"{"updates":[{"action":"set-location","action":"add-schema","location":"s3://b"}]}"#,
            DuplicateMember,
        ),
        (
            RenameTable,
            r#"{"source":{"namespace":["a"],"namespace":["b"],"name":"t"},"destination":{"namespace":["a"],"name":"t"}}"#,
            DuplicateMember,
        ),
        (
            CommitTransaction,
            r#"{"table-changes":[],"table-changes":[]}"#,
            DuplicateMember,
        ),
        // Spelling
        (
            CreateTable,
            r#"{"name":"t","Location":"s3://b"}"#,
            MemberSpelling,
        ),
        (CreateTable, r#"{"name":"t","NAME":"u"}"#, MemberSpelling),
        (
            CreateTable,
            r#"{"name":"t","stageCreate":true}"#,
            MemberSpelling,
        ),
        (
            CreateTable,
            r#"{"name":"t","propertie\u017f":{}}"#,
            MemberSpelling,
        ),
        (
            RegisterTable,
            r#"{"name":"t","metadata_location":"s3://b"}"#,
            MemberSpelling,
        ),
        (
            CommitTransaction,
            r#"{"table-changes":[],"tableChanges":[]}"#,
            MemberSpelling,
        ),
        // Missing
        (CreateTable, "{}", MissingMember),
        (CreateTable, r#"{"name":null}"#, MissingMember),
        (CreateNamespace, r#"{"properties":{}}"#, MissingMember),
        (RegisterTable, r#"{"name":"t"}"#, MissingMember),
        (
            RegisterTable,
            r#"{"name":"t","metadata-location":null}"#,
            MissingMember,
        ),
        (
            RenameTable,
            r#"{"source":{"namespace":["a"],"name":"t"}}"#,
            MissingMember,
        ),
        (
            RenameView,
            r#"{"source":{"name":"t"},"destination":{"namespace":["a"],"name":"t"}}"#,
            MissingMember,
        ),
        (CommitTransaction, "{}", MissingMember),
        (
            CommitTransaction,
            r#"{"table-changes":[{"updates":[]}]}"#,
            MissingMember,
        ),
        (
            UpdateTable,
            r#"{"identifier":{"namespace":["a"]}}"#,
            MissingMember,
        ),
        (
            UpdateTable,
            r#"{"updates":[{"location":"s3://b"}]}"#,
            MissingMember,
        ),
        (AttachPolicy, r#"{"target":{"path":["a"]}}"#, MissingMember),
        (
            SendNotification,
            r#"{"notification-type":"DROP"}"#,
            MissingMember,
        ),
        // Words
        (
            UpdateTable,
            r#"{"updates":[{"action":"set-everything"}]}"#,
            UnknownAction,
        ),
        // Java reads actions without regard to case, Nessie does not.
        (
            UpdateTable,
            r#"{"updates":[{"action":"SET-LOCATION","location":"s3://b"}]}"#,
            UnknownAction,
        ),
        (
            AttachPolicy,
            r#"{"target":{"type":"table","path":["a","t"]}}"#,
            UnknownTarget,
        ),
        (
            AttachPolicy,
            r#"{"target":{"type":"catalog","path":["a"]}}"#,
            UnknownTarget,
        ),
        (
            AttachPolicy,
            r#"{"target":{"type":"namespace"}}"#,
            UnknownTarget,
        ),
        (
            AttachPolicy,
            r#"{"target":{"type":"namespace","path":[]}}"#,
            UnknownTarget,
        ),
        (
            AttachPolicy,
            r#"{"target":{"type":"table-like","path":["t"]}}"#,
            UnknownTarget,
        ),
        (
            AttachPolicy,
            r#"{"target":{"type":"table-like"}}"#,
            UnknownTarget,
        ),
        // Names
        (CreateNamespace, r#"{"namespace":[]}"#, EmptyNamespace),
        (
            UpdateTable,
            r#"{"identifier":{"namespace":[],"name":"t"}}"#,
            EmptyNamespace,
        ),
        (CreateNamespace, r#"{"namespace":["a",""]}"#, BadName),
        (CreateNamespace, r#"{"namespace":["a\u001fb"]}"#, BadName),
        (CreateNamespace, r#"{"namespace":["a/b"]}"#, BadName),
        (CreateNamespace, r#"{"namespace":["..","b"]}"#, BadName),
        (CreateTable, r#"{"name":""}"#, BadName),
        (CreateTable, r#"{"name":"."}"#, BadName),
        (CreateTable, r#"{"name":"%2e%2E"}"#, BadName),
        (CreateTable, r#"{"name":"../../other"}"#, BadName),
        (CreateTable, r#"{"name":"a\\b"}"#, BadName),
        (CreateTable, r#"{"name":"a\u0000"}"#, BadName),
        (CreateTable, r#"{"name":"a\u007f"}"#, BadName),
    ];
    for (operation, body, fault) in table {
        assert_eq!(
            read(*operation, body),
            Err(*fault),
            "{} {body}",
            operation.name()
        );
    }
    assert_eq!(read_body(CreateTable, b"{\"name\":\"\xff\"}"), Err(NotUtf8));
    let met: BTreeSet<&str> = table.iter().map(|(.., fault)| fault.name()).collect();
    let elsewhere = [NotUtf8.name(), TooManyPlaces.name()];
    assert_eq!(met.len() + elsewhere.len(), BodyFault::ALL.len());
}

/// What is not read may be anything that is JSON.
#[test]
fn other_members_may_be_anything() {
    for other in [
        "1e999",
        r#""\ud800""#,
        r#"{"name":1,"name":2}"#,
        "[[],{},null,true]",
    ] {
        for body in [
            format!(r#"{{"schema":{other},"name":"t"}}"#),
            format!(r#"{{"name":"t","schema":{other}}}"#),
        ] {
            assert_eq!(
                read(Operation::CreateTable, &body),
                Ok(vec!["Created [Table] ~.t".to_owned()]),
                "{body}"
            );
        }
    }
    // Two members of one name that nobody here reads, in an object on the way.
    assert!(read(Operation::CreateTable, r#"{"name":"t","x":1,"x":2}"#).is_ok());
}

/// `serde_json` counts the depth of what it reads, and gives up at 128; what it skips has none.
#[test]
fn depth_and_size_of_schemas_do_not_matter() {
    for depth in [1, 100, 1_000, 100_000] {
        let nested = format!(
            "{}\"long\"{}",
            r#"{"type":"list","element":"#.repeat(depth),
            "}".repeat(depth)
        );
        let body = format!(
            r#"{{"identifier":{{"namespace":["a"],"name":"t"}},"updates":[{{"action":"add-schema","schema":{nested}}},{{"schema":{nested},"action":"set-location","location":"s3://b/x"}}]}}"#
        );
        assert_eq!(
            read(Operation::UpdateTable, &body),
            Ok(vec![
                "Changed [Table] [a].t".to_owned(),
                "updates[1].location = s3://b/x".to_owned()
            ]),
            "{depth}"
        );
    }
    // Where something is read, the spec has no such depth.
    let arrays = format!(r#"{{"updates":{}}}"#, "[".repeat(100_000));
    assert_eq!(
        read(Operation::UpdateTable, &arrays),
        Err(BodyFault::WrongType)
    );
}

#[test]
fn names_and_locations_are_counted() {
    let levels = |count: usize| json!({"namespace": vec!["a"; count]}).to_string();
    assert!(read(Operation::CreateNamespace, &levels(BODY_PLACES)).is_ok());
    assert_eq!(
        read(Operation::CreateNamespace, &levels(BODY_PLACES + 1)),
        Err(BodyFault::TooManyPlaces)
    );
    let update = json!({"action": "set-location", "location": "s3://b"});
    let updates = |count: usize| json!({"updates": vec![&update; count]}).to_string();
    assert!(read(Operation::UpdateTable, &updates(BODY_PLACES)).is_ok());
    assert_eq!(
        read(Operation::UpdateTable, &updates(BODY_PLACES + 1)),
        Err(BodyFault::TooManyPlaces)
    );
    // Three places each.
    let change = json!({"identifier": {"namespace": ["a", "b"], "name": "t"}});
    let changes = |count: usize| json!({"table-changes": vec![&change; count]}).to_string();
    assert!(read(Operation::CommitTransaction, &changes(BODY_PLACES / 3)).is_ok());
    assert_eq!(
        read(Operation::CommitTransaction, &changes(BODY_PLACES / 3 + 1)),
        Err(BodyFault::TooManyPlaces)
    );
}

#[test]
fn faults_have_names_and_texts_of_their_own() {
    let names: BTreeSet<_> = BodyFault::ALL.iter().map(|fault| fault.name()).collect();
    let texts: BTreeSet<_> = BodyFault::ALL
        .iter()
        .map(|fault| fault.describe())
        .collect();
    assert_eq!(names.len(), BodyFault::ALL.len());
    assert_eq!(texts.len(), BodyFault::ALL.len());
    assert!(names.iter().all(|name| name.starts_with("body_")));
}

#[test]
fn plain_names() {
    for (kind, text, plain) in [
        (Kind::Nessie, "t", true),
        (Kind::Nessie, "it's", true),
        (Kind::Nessie, "'t", true),
        (Kind::Nessie, "'t`", true),
        (Kind::Nessie, "t@dev", false),
        (Kind::Nessie, "t#1", false),
        (Kind::Nessie, "'t'", false),
        (Kind::Nessie, "`t`", false),
        (Kind::Nessie, "'", false),
        (Kind::Iceberg, "t@dev", true),
        (Kind::Polaris, "'t'", true),
        (Kind::Lakekeeper, "t#1", true),
    ] {
        for noun in [Noun::Table, Noun::View] {
            assert_eq!(is_plain_name(kind, noun, text), plain, "{kind:?} {text}");
        }
    }
}

/// Not a check: `cargo test --release --test native -- --ignored --nocapture read_body_takes`.
#[test]
#[ignore = "measures"]
fn read_body_takes() {
    let field = r#"{"id":1,"name":"a_column_of_some_length","required":false,"type":"long"}"#;
    let schema = |fields: usize| format!(r#"{{"fields":[{}]}}"#, vec![field; fields].join(","));
    let create = |fields| format!(r#"{{"name":"t","schema":{}}}"#, schema(fields));
    let append = String::from_utf8(golden("java-1.11-append")).expect("text");
    for (name, operation, body) in [
        ("append", Operation::UpdateTable, append),
        ("create, 20 columns", Operation::CreateTable, create(20)),
        (
            "create, 10,000 columns",
            Operation::CreateTable,
            create(10_000),
        ),
    ] {
        let rounds = 20_000_000 / body.len() as u128;
        let start = std::time::Instant::now();
        for _ in 0..rounds {
            let outcome = read_body(operation, std::hint::black_box(body.as_bytes()));
            assert!(std::hint::black_box(outcome).is_ok());
        }
        println!(
            "{:>8} ns {name}, {} bytes",
            start.elapsed().as_nanos() / rounds,
            body.len()
        );
    }
}
