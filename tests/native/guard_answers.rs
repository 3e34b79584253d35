//! The guard of the catalog's answers: real answers, hostile ones, and what holds for all.

use std::fs;
use std::path::{Path, PathBuf};

use icegate::guard::{
    AnswerFault, AnswerKind, Guarded, Terms, Why, answer_kind, applied_note, check_encoding, guard,
};
use icegate::iceberg::Operation;
use serde_json::{Value, json};

use AnswerKind::{Config, Credentials, Plan, Table, View};

const OWN: &str = "https://gate.example.com/iceberg";
const TERMS: Terms<'_> = Terms {
    own_url: Some(OWN),
    base_path: "/iceberg",
    withhold_credentials: false,
    withhold_signing: false,
    prefix: None,
};
const WITHHELD: Terms<'_> = Terms {
    withhold_credentials: true,
    withhold_signing: true,
    ..TERMS
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/native/golden/answers")
}

fn golden(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

/// The answer with these terms; what goes out must be read again and left alone.
#[track_caller]
fn guarded(kind: AnswerKind, body: &[u8], terms: &Terms<'_>) -> Guarded {
    let guarded = guard(kind, body, terms).unwrap();
    assert_eq!(guarded.body.is_none(), guarded.removed.is_empty());
    let out = guarded.body.as_deref().unwrap_or(body);
    serde_json::from_slice::<Value>(out).expect("what goes out is JSON");
    let again = guard(kind, out, terms).unwrap();
    assert_eq!(again.body, None, "guarding twice changes more");
    assert_eq!(again.prefix, guarded.prefix);
    guarded
}

/// What goes out, as text, and what was taken out.
#[track_caller]
fn told(kind: AnswerKind, body: &str, terms: &Terms<'_>) -> (String, String) {
    let guarded = guarded(kind, body.as_bytes(), terms);
    let out = guarded.body.map_or_else(
        || "untouched".to_owned(),
        |bytes| String::from_utf8(bytes).unwrap(),
    );
    (out, guarded.removed.to_string())
}

// -- real answers --------------------------------------------------------------------------------------------------------

#[test]
fn nessie_names_itself_and_clients_stay_where_they_are() {
    let body = golden("nessie-0.99-config.json");
    let guarded = guarded(Config, &body, &TERMS);
    assert_eq!(
        guarded.removed.to_string(),
        "overrides.nessie.core-base-uri, overrides.nessie.catalog-base-uri, overrides.nessie.iceberg-base-uri, overrides.uri"
    );
    assert_eq!(guarded.prefix.as_deref(), Some("main%7Cwarehouse"));
    assert_eq!(guarded.namespace_separator, None);
    let out = String::from_utf8(guarded.body.unwrap()).unwrap();
    let expected = r#"{"defaults":{"rest-metrics-reporting-enabled":"false","warehouse":"s3://bucket1/wh","client.region":"us-east-1","io-impl":"org.apache.iceberg.aws.s3.S3FileIO","rest-page-size":"200","prefix":"main%7Cwarehouse"},
 "overrides":{"client.region":"us-east-1","s3.endpoint":"http://127.0.0.1:18201/","s3.path-style-access":"true","nessie.iceberg-base-uri":"https://gate.example.com/iceberg/","nessie.is-nessie-catalog":"true","nessie.prefix-pattern":"{ref}|{warehouse}","nessie.default-branch.name":"main"}}
"#;
    assert_eq!(out, expected);
}

#[test]
fn nessie_behind_a_gate_that_keeps_the_host_stays_but_for_its_other_apis() {
    let body = golden("nessie-0.99-config.json");
    let terms = Terms {
        own_url: Some("http://127.0.0.1:18210/iceberg"),
        ..TERMS
    };
    assert_eq!(
        guarded(Config, &body, &terms).removed.to_string(),
        "overrides.nessie.core-base-uri, overrides.nessie.catalog-base-uri"
    );
}

#[test]
fn a_gate_that_does_not_know_its_address_keeps_no_address() {
    let terms = Terms {
        own_url: None,
        ..TERMS
    };
    let guarded = guarded(Config, &golden("nessie-0.99-config.json"), &terms);
    let out: Value = serde_json::from_slice(&guarded.body.unwrap()).unwrap();
    let names: Vec<_> = out["overrides"].as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "client.region",
            "nessie.default-branch.name",
            "nessie.is-nessie-catalog",
            "nessie.prefix-pattern",
            "s3.endpoint",
            "s3.path-style-access",
        ]
    );
}

#[test]
fn catalogs_that_do_not_steer_are_left_alone() {
    let fixture = guarded(Config, &golden("fixture-1.11-config.json"), &TERMS);
    assert_eq!((fixture.body, fixture.prefix), (None, None));
    assert_eq!(fixture.namespace_separator.as_deref(), Some("%2E"));

    let polaris = guarded(Config, &golden("polaris-1.4-config.json"), &TERMS);
    assert_eq!(polaris.body, None);
    assert_eq!(polaris.prefix.as_deref(), Some("lake"));

    let table = guarded(Table, &golden("polaris-table-vended.json"), &TERMS);
    assert_eq!(table.body, None);
}

#[test]
fn lakekeepers_addresses_become_the_gates() {
    let terms = Terms {
        own_url: Some("https://gate.example.com/catalog"),
        base_path: "/catalog",
        ..TERMS
    };
    let config = guarded(Config, &golden("lakekeeper-config.json"), &terms);
    assert_eq!(config.removed.to_string(), "overrides.uri");
    assert_eq!(
        config.prefix.as_deref(),
        Some("01f2fdfc-81fc-444d-8368-5b6701566e35")
    );

    let body = golden("lakekeeper-table-vended.json");
    let vended = guarded(Table, &body, &terms);
    assert_eq!(
        vended.removed.to_string(),
        "storage-credentials.client.refresh-credentials-endpoint"
    );
    let text = String::from_utf8(body).unwrap();
    let expected = text.replace(
        "\"http://lakekeeper:8181/catalog/v1/",
        "\"https://gate.example.com/catalog/v1/",
    );
    assert_eq!(String::from_utf8(vended.body.unwrap()).unwrap(), expected);

    let signing = guarded(Table, &golden("lakekeeper-table-signing.json"), &terms);
    assert_eq!(
        signing.removed.to_string(),
        "config.signer.uri, config.s3.signer.uri"
    );
}

#[test]
fn lakekeeper_vends_and_signs_without_being_asked_and_a_caller_without_the_grant_gets_nothing() {
    let terms = Terms {
        base_path: "/catalog",
        ..WITHHELD
    };
    let vended = guarded(Table, &golden("lakekeeper-table-vended.json"), &terms);
    let out = String::from_utf8(vended.body.unwrap()).unwrap();
    assert!(!out.contains("CANARY"), "{out}");
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        value["config"],
        json!({"s3.region": "eu-central-1", "region": "eu-central-1", "client.region": "eu-central-1",
               "s3.endpoint": "https://s3.example.com"})
    );
    assert_eq!(value["storage-credentials"], json!([]));

    let signing = guarded(Table, &golden("lakekeeper-table-signing.json"), &terms);
    let value: Value = serde_json::from_slice(&signing.body.unwrap()).unwrap();
    assert_eq!(
        value["config"],
        json!({"s3.region": "eu-central-1", "client.region": "eu-central-1",
               "py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO"})
    );
    let counts: Vec<_> = signing.removed.counts().collect();
    assert_eq!(counts, [(Why::Signing, 6)]);
}

#[test]
fn everything_recorded_can_be_read_and_nothing_in_it_leads_past_the_gate() {
    let mut seen = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.contains("hostile") {
            continue;
        }
        let kind = if name.contains("config") {
            Config
        } else {
            Table
        };
        let body = fs::read(&path).unwrap();
        for terms in [&TERMS, &WITHHELD] {
            let guarded = guarded(kind, &body, terms);
            let out = guarded.body.unwrap_or_else(|| body.clone());
            let value: Value = serde_json::from_slice(&out).unwrap();
            for (_, name, value) in steering(&value) {
                let own = value.as_str().is_some_and(|text| text.starts_with(OWN));
                let below = value.as_str().is_some_and(|text| text.starts_with("v1/"));
                assert!(own || below, "{}: {name} = {value}", path.display());
            }
        }
        seen += 1;
    }
    assert!(seen >= 7, "only {seen} answers");
}

/// Every member of an object that clients are configured by whose name says address: place, name, value.
fn steering(answer: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for place in ["defaults", "overrides", "config"] {
        for (name, value) in answer[place].as_object().into_iter().flatten() {
            if [
                "uri",
                "base-uri",
                "signer.uri",
                "signer.endpoint",
                "credentials-endpoint",
            ]
            .iter()
            .any(|end| name.ends_with(end))
                && !name.contains("proxy")
            {
                found.push((place.to_owned(), name.clone(), value.clone()));
            }
        }
    }
    found
}

// -- hostile answers -----------------------------------------------------------------------------------------------------

#[test]
fn a_hostile_configuration_steers_nobody() {
    let guarded = guarded(Config, &golden("hostile-config.json"), &TERMS);
    let out = String::from_utf8(guarded.body.unwrap()).unwrap();
    assert_eq!(
        out,
        String::from_utf8(golden("hostile-config.guarded.json")).unwrap()
    );
    assert_eq!(guarded.prefix.as_deref(), Some("lake"));
    let counts: Vec<_> = guarded
        .removed
        .counts()
        .map(|(why, count)| (why.name(), count))
        .collect();
    assert_eq!(
        counts,
        [
            ("address", 20),
            ("authentication", 35),
            ("header", 8),
            ("connection", 9),
            ("code", 15),
        ]
    );
}

#[test]
fn a_hostile_table_steers_nobody() {
    let guarded = guarded(Table, &golden("hostile-table.json"), &TERMS);
    let out = String::from_utf8(guarded.body.unwrap()).unwrap();
    assert_eq!(
        out,
        String::from_utf8(golden("hostile-table.guarded.json")).unwrap()
    );
}

#[test]
fn names_are_found_whatever_their_spelling_and_place() {
    for (body, out) in [
        (r#"{"overrides":{"uri":"http://e"}}"#, r#"{"overrides":{}}"#),
        (
            r#"{"overrides":{"\u0075\u0072\u0069":"http://e"}}"#,
            r#"{"overrides":{}}"#,
        ),
        (
            r#"{"\u006fverrides":{"uri":"http://e"}}"#,
            r#"{"\u006fverrides":{}}"#,
        ),
        (
            r#"{"overrides":{"Uri":"http://e","uRI":"x"}}"#,
            r#"{"overrides":{}}"#,
        ),
        (
            r#"{"overrides":{"uri":"\u0068ttp://e"}}"#,
            r#"{"overrides":{}}"#,
        ),
        (r#"{"overrides":{"uri":null}}"#, r#"{"overrides":{}}"#),
        (
            r#"{"overrides":{"uri":["http://e"]}}"#,
            r#"{"overrides":{}}"#,
        ),
        (
            r#"{"overrides":{"uri":{"uri":"http://e"}}}"#,
            r#"{"overrides":{}}"#,
        ),
        (r#"{"overrides":{"io-impl":null}}"#, r#"{"overrides":{}}"#),
        (r#"{"overrides":{"ssl":false}}"#, r#"{"overrides":{}}"#),
        (
            "{\"overrides\" :\t{ \"a\" : \"1\" ,\r\n \"uri\" : \"http://e\" , \"b\" : \"2\" } }",
            "{\"overrides\" :\t{ \"a\" : \"1\" , \"b\" : \"2\" } }",
        ),
        (
            r#"{"defaults":{"uri":"x"},"overrides":{"token":"x","a":1,"token-b":2}}"#,
            r#"{"defaults":{},"overrides":{"a":1}}"#,
        ),
        (r#"{"overrides":null,"defaults":null}"#, "untouched"),
        (r#"{}"#, "untouched"),
        (
            r#"{"config":{"uri":"x"},"metadata":{"properties":{"uri":"x"}}}"#,
            "untouched",
        ),
    ] {
        assert_eq!(told(Config, body, &TERMS).0, out, "{body}");
    }
}

#[test]
fn each_kind_of_answer_has_its_places() {
    let body = r#"{"defaults":{"uri":"x"},"config":{"uri":"x"},"storage-credentials":[{"config":{"uri":"x"}}],"metadata":{"properties":{"uri":"x"}}}"#;
    let table = r#"{"defaults":{"uri":"x"},"config":{},"storage-credentials":[{"config":{}}],"metadata":{"properties":{}}}"#;
    let other = r#"{"defaults":{"uri":"x"},"config":{},"storage-credentials":[{"config":{}}],"metadata":{"properties":{"uri":"x"}}}"#;
    assert_eq!(
        told(Table, body, &TERMS),
        (
            table.to_owned(),
            "config.uri, storage-credentials.uri, metadata.properties.uri".to_owned()
        )
    );
    for kind in [View, Credentials, Plan] {
        assert_eq!(told(kind, body, &TERMS).0, other, "{kind:?}");
    }
}

#[test]
fn overrides_beat_defaults_in_any_order() {
    for (body, prefix, separator) in [
        (
            r#"{"defaults":{"prefix":"a"},"overrides":{"prefix":"b"}}"#,
            Some("b"),
            None,
        ),
        (
            r#"{"overrides":{"prefix":"b"},"defaults":{"prefix":"a"}}"#,
            Some("b"),
            None,
        ),
        (
            r#"{"overrides":{"prefix":""},"defaults":{"prefix":"a"}}"#,
            Some(""),
            None,
        ),
        (
            r#"{"overrides":{"\u0070refix":"main%7Cw"}}"#,
            Some("main%7Cw"),
            None,
        ),
        (
            r#"{"defaults":{"namespace-separator":"."}}"#,
            None,
            Some("."),
        ),
        (r#"{"overrides":{"prefix":null}}"#, None, None),
    ] {
        let guarded = guarded(Config, body.as_bytes(), &TERMS);
        assert_eq!(guarded.body, None, "{body}");
        assert_eq!(guarded.prefix.as_deref(), prefix, "{body}");
        assert_eq!(guarded.namespace_separator.as_deref(), separator, "{body}");
    }
}

#[test]
fn what_may_not_be_given_is_not_given() {
    let secrets = [
        "s3.access-key-id",
        "s3.secret-access-key",
        "s3.session-token",
        "s3.session-token-expires-at-ms",
        "S3.Secret-Access-Key",
        "client.access-key-id",
        "client.secret-access-key",
        "client.session-token",
        "client.access-key-secret",
        "client.security-token",
        "client.refresh-credentials-endpoint",
        "client.refresh-credentials-enabled",
        "gcs.oauth2.token",
        "gcs.oauth2.token-expires-at",
        "gcs.oauth2.refresh-credentials-endpoint",
        "gcs.credentials-json",
        "gcs.jsonkey",
        "gcs.keypath",
        "adls.sas-token",
        "adls.sas-token.account.dfs.core.windows.net",
        "adls.sas-token-expires-at-ms.account",
        "adls.connection-string",
        "adls.connection-string.account",
        "adls.account-key",
        "adls.auth.shared-key.account.name",
        "adls.auth.shared-key.account.key",
        "adls.token",
        "adls.client-secret",
        "adls.credential",
        "adls.refresh-credentials-endpoint",
        "oss.access-key-id",
        "oss.access-key-secret",
        "hf.token",
        "fs.s3a.access.key",
        "ecs.s3.secret-access-key",
    ];
    let signing = [
        "s3.remote-signing-enabled",
        "s3.signer",
        "s3.signer.uri",
        "s3.signer.endpoint",
        "signer.uri",
        "signer.endpoint",
    ];
    let rest = [
        "s3.endpoint",
        "s3.region",
        "client.region",
        "s3.path-style-access",
        "s3.access-points.bucket",
        "s3.sse.type",
        "gcs.project-id",
        "adls.account-name",
        "expiration-time",
        "io-impl",
    ];
    let value = |name: &str| match name {
        "io-impl" => "org.apache.iceberg.aws.s3.S3FileIO",
        _ if name.ends_with("uri") => OWN,
        _ => "v1/x",
    };
    let all: Vec<_> = secrets.iter().chain(&signing).chain(&rest).collect();
    let members: serde_json::Map<_, _> = all
        .iter()
        .map(|name| (String::from(**name), Value::from(value(name))))
        .collect();
    let body = json!({"config": members, "storage-credentials": [{"prefix": "s3", "config": {}}],
                      "remote-signing-config": {}})
    .to_string();
    assert_eq!(told(Table, &body, &TERMS).0, "untouched");
    let left = |terms: &Terms<'_>| -> Value {
        let out = guarded(Table, body.as_bytes(), terms).body.unwrap();
        serde_json::from_slice(&out).unwrap()
    };
    let has = |out: &Value, name: &str| out["config"].get(name).is_some();

    let out = left(&Terms {
        withhold_credentials: true,
        ..TERMS
    });
    for name in secrets {
        assert!(!has(&out, name), "{name} was given");
    }
    for name in signing.iter().chain(&rest) {
        assert!(has(&out, name), "{name} is missing");
    }
    assert_eq!(out["storage-credentials"], json!([]));
    assert_eq!(out["remote-signing-config"], json!({}));

    let out = left(&Terms {
        withhold_signing: true,
        ..TERMS
    });
    for name in signing {
        assert!(!has(&out, name), "{name} was given");
    }
    for name in secrets.iter().chain(&rest) {
        assert!(has(&out, name), "{name} is missing");
    }
    assert_eq!(out.get("remote-signing-config"), None);
    assert_eq!(out["storage-credentials"].as_array().unwrap().len(), 1);
}

#[test]
fn a_caller_without_the_grant_still_gets_a_legal_answer() {
    let body = r#"{"storage-credentials":[{"prefix":"s3","config":{"s3.session-token":"t"}}]}"#;
    assert_eq!(
        told(Credentials, body, &WITHHELD),
        (
            r#"{"storage-credentials":[]}"#.to_owned(),
            "storage-credentials".to_owned()
        )
    );
    for body in [
        r#"{"storage-credentials":[]}"#,
        r#"{"storage-credentials":null}"#,
    ] {
        assert_eq!(told(Credentials, body, &WITHHELD).0, "untouched");
    }
}

// -- what cannot be read -------------------------------------------------------------------------------------------------

#[test]
fn what_cannot_be_read_is_not_handed_on() {
    use AnswerFault::{CutOff, DuplicateMember, NotJson, Prefix, Shape};
    let cases: &[(AnswerKind, &[u8], AnswerFault)] = &[
        (Config, b"", CutOff),
        (Config, b"  ", CutOff),
        (Config, b"{", CutOff),
        (Config, br#"{"overrides":{"uri":"x"}"#, CutOff),
        (Config, b"<html>", NotJson),
        (Config, b"null", Shape),
        (Config, b"[]", Shape),
        (Config, b"\"{}\"", Shape),
        (Config, b"\x1f\x8b\x08\0\0\0\0\0", NotJson),
        (Config, b"\xef\xbb\xbf{}", NotJson),
        (Config, b"{\0\"\0a\0\"\0:\0{\0}\0}\0", NotJson),
        (Config, b"{\"a\":\"\xff\"}", NotJson),
        (Config, br#"{"a":NaN}"#, NotJson),
        (Config, br#"{"a":1,}"#, NotJson),
        (Config, br#"{"a":1}{"overrides":{}}"#, NotJson),
        (Config, br#"{"a":1}x"#, NotJson),
        (Config, br#"{'overrides':{}}"#, NotJson),
        (Config, b"{/**/\"overrides\":{}}", NotJson),
        (Config, br#"{"overrides":{"\ud800uri":"x"}}"#, NotJson),
        (
            Config,
            br#"{"overrides":{},"overrides":{"uri":"x"}}"#,
            DuplicateMember,
        ),
        (
            Config,
            br#"{"overrides":{},"\u006fverrides":{}}"#,
            DuplicateMember,
        ),
        (Config, br#"{"overrides":{"a":1,"a":2}}"#, DuplicateMember),
        (
            Config,
            br#"{"overrides":{"uri":1,"ur\u0069":2}}"#,
            DuplicateMember,
        ),
        (Config, br#"{"a":1,"a":2}"#, DuplicateMember),
        (Table, br#"{"config":{},"config":{}}"#, DuplicateMember),
        (
            Table,
            br#"{"metadata":{"properties":{},"properties":{}}}"#,
            DuplicateMember,
        ),
        (
            Table,
            br#"{"metadata":{"properties":{"a":1,"a":2}}}"#,
            DuplicateMember,
        ),
        (
            Table,
            br#"{"storage-credentials":[{"config":{},"config":{}}]}"#,
            DuplicateMember,
        ),
        (Config, br#"{"overrides":[]}"#, Shape),
        (Config, br#"{"overrides":[["uri","http://e"]]}"#, Shape),
        (Config, br#"{"overrides":"uri"}"#, Shape),
        (Config, br#"{"overrides":{"namespace-separator":1}}"#, Shape),
        (Table, br#"{"config":1}"#, Shape),
        (Table, br#"{"metadata":"x"}"#, Shape),
        (Table, br#"{"metadata":{"properties":[]}}"#, Shape),
        (
            Table,
            br#"{"storage-credentials":{"prefix":"s3","config":{"uri":"x"}}}"#,
            Shape,
        ),
        (Table, br#"{"storage-credentials":["x"]}"#, Shape),
        (Table, br#"{"storage-credentials":[null]}"#, Shape),
        (
            Table,
            br#"{"remote-signing-config":{"headers":[["Authorization","x"]]}}"#,
            Shape,
        ),
        (Config, br#"{"overrides":{"prefix":"../../other"}}"#, Prefix),
        (Config, br#"{"defaults":{"prefix":"a/../b"}}"#, Prefix),
        (Config, br#"{"defaults":{"prefix":"a%2f..%2fb"}}"#, Prefix),
        (Config, br#"{"defaults":{"prefix":"%2e%2e"}}"#, Prefix),
        (Config, br#"{"defaults":{"prefix":"/a"}}"#, Prefix),
        (Config, br#"{"defaults":{"prefix":"a?"}}"#, Prefix),
        (Config, br##"{"defaults":{"prefix":"a#"}}"##, Prefix),
        (Config, br#"{"defaults":{"prefix":"a\\b"}}"#, Prefix),
        (Config, br#"{"defaults":{"prefix":"a b"}}"#, Prefix),
        (
            Config,
            br#"{"defaults":{"prefix":"a\r\nHost: evil"}}"#,
            Prefix,
        ),
        (Config, br#"{"defaults":{"prefix":1}}"#, Prefix),
        (Config, br#"{"defaults":{"prefix":["a"]}}"#, Prefix),
    ];
    for (kind, body, fault) in cases {
        let shown = String::from_utf8_lossy(body);
        assert_eq!(guard(*kind, body, &TERMS), Err(*fault), "{shown}");
    }
}

#[test]
fn faults_have_names_and_say_nothing_of_the_answer() {
    let names: Vec<_> = AnswerFault::ALL.iter().map(|fault| fault.name()).collect();
    assert_eq!(
        names,
        [
            "answer_encoded",
            "answer_too_large",
            "answer_redirect",
            "answer_cut_off",
            "answer_not_json",
            "answer_duplicate_member",
            "answer_shape",
            "answer_prefix",
        ]
    );
    let fault = guard(Config, br#"{"a":CANARY}"#, &TERMS).unwrap_err();
    assert_eq!(fault.to_string(), "the catalog's answer, which is not JSON");
    assert!(!format!("{fault:?}").contains("CANARY"));
}

#[test]
fn depth_and_length_are_bounded_by_the_length_alone() {
    let depth = 100_000;
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    assert_eq!(guard(Config, deep.as_bytes(), &TERMS).unwrap().body, None);
    let within = format!(
        r#"{{"overrides":{{"a":{}1{}}}}}"#,
        r#"{"a":"#.repeat(depth),
        "}".repeat(depth)
    );
    assert_eq!(guard(Config, within.as_bytes(), &TERMS).unwrap().body, None);
    let removed = format!(
        r#"{{"overrides":{{"uri":{}1{}}}}}"#,
        r#"{"a":"#.repeat(depth),
        "}".repeat(depth)
    );
    assert_eq!(
        guard(Config, removed.as_bytes(), &TERMS)
            .unwrap()
            .body
            .unwrap(),
        br#"{"overrides":{}}"#
    );
    let open = format!(r#"{{"overrides":{{"a":{}"#, "[".repeat(depth));
    assert_eq!(
        guard(Config, open.as_bytes(), &TERMS),
        Err(AnswerFault::CutOff)
    );

    let long = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
    assert!(guard(Config, long(64 << 20).as_bytes(), &TERMS).is_ok());
    assert_eq!(
        guard(Config, long((64 << 20) + 1).as_bytes(), &TERMS),
        Err(AnswerFault::TooLarge)
    );
}

#[test]
fn only_what_is_not_encoded_is_read() {
    for readable in [None, Some("identity"), Some(" Identity "), Some("")] {
        assert_eq!(check_encoding(readable.map(str::as_bytes)), Ok(()));
    }
    for encoded in [
        "gzip",
        "br",
        "zstd",
        "deflate",
        "identity, gzip",
        "gzip, identity",
        "x",
    ] {
        assert_eq!(
            check_encoding(Some(encoded.as_bytes())),
            Err(AnswerFault::Encoded),
            "{encoded}"
        );
    }
}

#[test]
fn an_unreadable_answer_to_a_write_does_not_hide_that_it_was_made() {
    assert_eq!(
        String::from_utf8(applied_note("r-\"1")).unwrap(),
        r#"{"metadata-location":"","metadata":"done, do not repeat it: the gate could not read the catalog's answer (ref r-\"1)"}"#
    );
}

#[test]
fn answers_are_read_by_their_operation() {
    let read: Vec<_> = Operation::ALL
        .iter()
        .filter_map(|operation| answer_kind(*operation).map(|kind| (operation.name(), kind)))
        .collect();
    assert_eq!(
        read,
        [
            ("getConfig", Config),
            ("createTable", Table),
            ("registerTable", Table),
            ("loadTable", Table),
            ("loadCredentials", Credentials),
            ("planTableScan", Plan),
            ("fetchPlanningResult", Plan),
            ("createView", View),
            ("registerView", View),
            ("loadView", View),
            ("replaceView", View),
            ("createGenericTable", Table),
            ("loadGenericTable", Table),
        ]
    );
}
