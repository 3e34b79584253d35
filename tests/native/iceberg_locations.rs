//! Storage locations: spellings, containment, and that no reader who resolves a location lands elsewhere.

#![allow(clippy::arithmetic_side_effects)]

use std::collections::BTreeSet;

use icegate::iceberg::{LocationFault, StorageLocation};
use proptest::prelude::*;
use proptest::sample::select;

use crate::locations::resolved;

fn parse(text: &str) -> StorageLocation {
    StorageLocation::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

#[test]
fn containment() {
    // What the operator wrote, what is asked for, and whether it lies within.
    let table = [
        ("s3://acme/", "s3://acme", true),
        ("s3://acme/", "s3://acme/", true),
        ("s3://acme", "s3://acme/x/y.avro", true),
        ("s3://acme/", "s3a://acme/x", true),
        ("s3a://acme/", "s3n://acme/x", true),
        ("s3://acme/", "s3://acme2/x", false),
        ("s3://acme/", "s3://Acme/x", false),
        ("s3://acme/", "s3://acme.evil/x", false),
        ("s3://acme/", "gs://acme/x", false),
        ("s3://b/acme", "s3://b/acme", true),
        ("s3://b/acme/", "s3://b/acme", true),
        ("s3://b/acme", "s3://b/acme/", true),
        ("s3://b/acme", "s3://b/acme/t/metadata/snap-1.avro", true),
        ("s3://b/acme", "s3://b/acme2", false),
        ("s3://b/acme", "s3://b/acme2/t", false),
        ("s3://b/acme", "s3://b/acme.x", false),
        ("s3://b/acme", "s3://b/Acme/t", false),
        ("s3://b/acme", "s3://b/acm", false),
        ("s3://b/acme", "s3://b", false),
        ("s3://b/acme", "s3://b/x/acme", false),
        ("s3://b/a/c", "s3://b/a/c/d", true),
        ("s3://b/a/c", "s3://b/a", false),
        ("s3://b/acme", "s3://b/acm%65/t", false),
        (
            "s3://b/acme",
            "s3://b/acme/my%20table/data/date=2026-01-01/x",
            true,
        ),
        ("s3://b/acme", "s3://b/acme/my table", true),
        ("s3://b/acme", "s3://b/acme/ä/%C3%A4", true),
        ("s3://b/acme", "s3://b/acme/...", true),
        ("s3://b/acme", "s3://b/acme/..x/x../.x", true),
        ("s3://b/ä", "s3://b/ä/t", true),
        ("s3://b/my%20acme", "s3://b/my%20acme/t", true),
        ("s3://b/my%20acme", "s3://b/my acme/t", false),
        ("s3://Old_Bucket/", "s3://Old_Bucket/t", true),
        ("gs://acme-lake/wh", "gs://acme-lake/wh/t", true),
        ("gs://acme-lake/wh", "gs://acme-lake/whx", false),
        (
            "abfss://c@acme.dfs.core.windows.net/wh",
            "abfs://c@acme.dfs.core.windows.net/wh/t",
            true,
        ),
        (
            "abfss://c@acme.dfs.core.windows.net/wh",
            "abfss://d@acme.dfs.core.windows.net/wh/t",
            false,
        ),
        (
            "abfss://c@acme.dfs.core.windows.net/",
            "abfss://c@acme2.dfs.core.windows.net/t",
            false,
        ),
        (
            "abfss://c@acme.dfs.core.windows.net/",
            "wasbs://c@acme.dfs.core.windows.net/t",
            false,
        ),
        (
            "wasbs://$root@acme.blob.core.windows.net/",
            "wasb://$root@acme.blob.core.windows.net/t",
            true,
        ),
        ("file:///lake/acme", "file:/lake/acme/t", true),
        ("file:/lake/acme/", "file:///lake/acme", true),
        ("file:///lake/acme", "file:///lake/acme2", false),
        ("file:///", "file:/etc/passwd", true),
        ("file:///lake", "s3://lake/x", false),
        (
            "https://minio.example:9000/acme/",
            "https://minio.example:9000/acme/t",
            true,
        ),
        (
            "http://minio.example/acme",
            "https://minio.example/acme/t",
            true,
        ),
        (
            "https://minio.example/acme",
            "https://minio.example/acme2/t",
            false,
        ),
        (
            "https://minio.example/acme",
            "https://globex.minio.example/acme/t",
            false,
        ),
        (
            "https://minio.example/acme",
            "https://minio.example:9000/acme/t",
            false,
        ),
        (
            "https://acme.minio.example/",
            "https://acme.minio.example/t",
            true,
        ),
    ];
    for (operator, asked, within) in table {
        assert_eq!(
            parse(operator).holds(&parse(asked)),
            within,
            "{operator} {asked}"
        );
    }
}

#[test]
fn faults() {
    use LocationFault::*;
    let table = [
        ("", NoScheme),
        ("acme", NoScheme),
        ("/acme/t", NoScheme),
        ("//acme/t", NoScheme),
        ("../t", NoScheme),
        ("://acme/t", NoScheme),
        (" /a:b", NoScheme),
        ("acme/t:x", NoScheme),
        (" s3://acme/t", UnknownScheme),
        ("S3://acme/t", UnknownScheme),
        ("s3 ://acme/t", UnknownScheme),
        ("s3c://acme/t", UnknownScheme),
        ("ftp://acme.example/t", UnknownScheme),
        ("hdfs://nn/t", UnknownScheme),
        ("jar:file:///t", UnknownScheme),
        ("acme:9000/t", UnknownScheme),
        ("s3:acme/t", Authority),
        ("s3:/acme/t", Authority),
        ("s3:///acme/t", Authority),
        ("s3://", Authority),
        ("s3://user@acme/t", Authority),
        ("s3://user:password@acme/t", Authority),
        ("s3://acme:9000/t", Authority),
        ("s3://acme%2fx/t", Authority),
        ("s3://ac me/t", Authority),
        ("s3://../t", Authority),
        ("s3://ä/t", Authority),
        ("s3://arn:aws:s3:eu-central-1:123:accesspoint/t", Authority),
        ("abfss://acme.dfs.core.windows.net/t", Authority),
        ("abfss://@acme.dfs.core.windows.net/t", Authority),
        ("abfss://c@/t", Authority),
        ("abfss://c@acme.dfs.core.windows.net:443/t", Authority),
        ("abfss://c@x@acme.dfs.core.windows.net/t", Authority),
        ("abfss://c@Acme.dfs.core.windows.net/t", Authority),
        ("abfss://c@acme.dfs.core.windows.net./t", Authority),
        ("abfss://C@acme.dfs.core.windows.net/t", Authority),
        ("http://acme/t", Authority),
        ("https://127.0.0.1:9000/acme/t", Authority),
        ("https://acme.s3.amazonaws.com/t", Authority),
        ("https://s3.cn-north-1.amazonaws.com.cn/t", Authority),
        ("https://Acme.example/t", Authority),
        ("https://acme.example./t", Authority),
        ("https://user@acme.example/t", Authority),
        ("https://acme.example:/t", Authority),
        ("https://acme.example:70000/t", Authority),
        ("file://host/t", Authority),
        ("file://localhost/t", Authority),
        ("file://", Authority),
        ("file:", Authority),
        ("file:t", Authority),
        ("s3://b/acme//t", EmptySegment),
        ("s3://b//acme", EmptySegment),
        ("s3://b/acme//", EmptySegment),
        ("s3://b//", EmptySegment),
        ("file:////t", EmptySegment),
        ("file://///t", EmptySegment),
        ("s3://b/acme/../other", DotSegment),
        ("s3://b/acme/..", DotSegment),
        ("s3://b/..", DotSegment),
        ("s3://b/./acme", DotSegment),
        ("s3://b/acme/.", DotSegment),
        ("s3://b/acme/./", DotSegment),
        ("s3://b/acme\\..\\other", Backslash),
        ("file:///c:\\t", Backslash),
        ("s3://b/acme?x=/../", QueryOrFragment),
        ("s3://b/acme#/../", QueryOrFragment),
        ("s3://b/acme\n", ControlCharacter),
        ("s3://b/acme\0", ControlCharacter),
        ("s3://b/acme\u{7f}", ControlCharacter),
        ("s3://b/acme/%2e%2e/other", PercentEncoding),
        ("s3://b/acme/%2E/x", PercentEncoding),
        ("s3://b/acme/.%2e/x", PercentEncoding),
        ("s3://b/acme%2f..%2fother", PercentEncoding),
        ("s3://b/acme%2Fx", PercentEncoding),
        ("s3://b/acme/%5c", PercentEncoding),
        ("s3://b/acme/%252e%252e/x", PercentEncoding),
        ("s3://b/acme/100%", PercentEncoding),
        ("s3://b/acme/%1", PercentEncoding),
        ("s3://b/acme/%zz", PercentEncoding),
        ("s3://b/acme/%+1", PercentEncoding),
        ("s3://b/acme/%ä", PercentEncoding),
        ("s3://b/acme/%00", PercentEncoding),
        ("s3://b/acme/%0a", PercentEncoding),
        ("s3://b/acme/%3fx", PercentEncoding),
        ("s3://b/acme/%23x", PercentEncoding),
    ];
    for (text, fault) in table {
        assert_eq!(StorageLocation::parse(text), Err(fault), "{text:?}");
    }
    let met: BTreeSet<&str> = table.iter().map(|(_, fault)| fault.name()).collect();
    assert_eq!(met.len(), LocationFault::ALL.len());
}

fn pieces() -> impl Strategy<Value = String> {
    let pieces = [
        "acme", "acme2", "b", "t", "/", "/", "/", "//", ".", "..", "/../", "/./", "%2e", "%2E%2e",
        "%252e", "%2f", "%5c", "\\", "%", "%25", "?", "#", "@", ":", " ", "%20", "ä", "%C3%A4",
        "\n", "%00", "s3://", "~",
    ];
    proptest::collection::vec(select(pieces.to_vec()), 0..8).prop_map(|pieces| pieces.concat())
}

fn operators() -> impl Strategy<Value = &'static str> {
    select(vec![
        "s3://b/acme/",
        "s3://b/acme/t",
        "s3://acme/",
        "s3a://b/acme",
        "file:///b/acme",
    ])
}

fn uris() -> impl Strategy<Value = String> {
    let starts = [
        "s3://b/acme/",
        "s3://b/acme",
        "s3://b/",
        "s3a://acme/",
        "s3://",
        "file:///b/acme",
        "file:/b/acme/",
        "",
    ];
    (select(starts.to_vec()), pieces()).prop_map(|(start, rest)| format!("{start}{rest}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_reader_lands_outside(operator in operators(), uri in uris()) {
        if let Ok(asked) = StorageLocation::parse(&uri)
            && parse(operator).holds(&asked)
        {
            let (border, place) = (resolved(operator), resolved(&uri));
            prop_assert_eq!(&place[..border.len().min(place.len())], &border[..], "{}", uri);
        }
    }

    #[test]
    fn reading_is_total(text in "\\PC{0,40}") {
        let _ = StorageLocation::parse(&text);
        let _ = StorageLocation::parse(&format!("s3://b/{text}"));
    }

    #[test]
    fn a_place_holds_itself_and_what_is_below(uri in uris(), below in "[a-z]{1,5}(/[a-z]{1,5}){0,2}") {
        if let Ok(place) = StorageLocation::parse(&uri) {
            prop_assert!(place.holds(&place));
            let deeper = parse(&format!("{}/{below}", uri.strip_suffix('/').unwrap_or(&uri)));
            prop_assert!(place.holds(&deeper));
            prop_assert!(!deeper.holds(&place));
        }
    }
}

/// The strategies above are worth something only when they come up with both.
#[test]
fn the_generator_hits_both_sides() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let (mut held, mut outside, mut refused) = (0, 0, BTreeSet::new());
    for _ in 0..4000 {
        let uri = uris().new_tree(&mut runner).expect("a value").current();
        match StorageLocation::parse(&uri) {
            Ok(asked) if parse("s3://b/acme/").holds(&asked) => held += 1,
            Ok(_) => outside += 1,
            Err(fault) => drop(refused.insert(fault.name())),
        }
    }
    assert!(held > 100 && outside > 200, "{held} {outside}");
    assert_eq!(refused.len(), LocationFault::ALL.len(), "{refused:?}");
}

/// The resolving reader does resolve, so that its agreement means something.
#[test]
fn the_reference_reader_is_no_yes_man() {
    for spelling in [
        "s3://b/acme/../other",
        "s3://b/acme/%2e%2e/other",
        "s3://b/acme%2f..%2fother",
        "s3://b/acme/%252e%252e/other",
        "s3a://b//acme/./..\\other?x",
    ] {
        assert_eq!(resolved(spelling), ["s3", "b", "other"], "{spelling}");
    }
}
