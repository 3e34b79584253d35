//! What is renamed or registered: both places, and that nobody gains by it.

use serde_json::{Value, json};

use crate::desk::Desk;
use crate::policy_bodies::{everybody, said, table};
use crate::policy_grants::{RAW, raw};

#[test]
fn both_ends_of_a_rename() {
    let rename = |from: Value, to: Value| json!({"source": from, "destination": to});
    let both = [(json!(["all"]), json!([["a"], ["b"]]))];
    let no = |what: &str| {
        format!(
            "grant_missing: alice (tenant acme) may not rename from or to polaris/acme_raw.{what}: no grant"
        )
    };
    for path in ["/tables/rename", "/views/rename"] {
        for (from, to, expected) in [
            (table(&["a"], "t"), table(&["b"], "u"), "yes".to_owned()),
            (table(&["a"], "t"), table(&["c"], "t"), no("c.t")),
            (table(&["c"], "t"), table(&["a"], "t"), no("c.t")),
            (table(&["a", "x"], "t"), table(&["a"], "t"), no("a.x.t")),
        ] {
            assert_eq!(
                said(&both, path, rename(from.clone(), to.clone())),
                expected,
                "{path} {from} {to}"
            );
        }
    }
}

#[test]
fn nobody_moves_a_table_to_where_he_may_do_more() {
    let rename = json!({"source": table(&["a"], "t"), "destination": table(&["b"], "t")});
    let path = "/tables/rename";
    let wider = "grant_widened: alice (tenant acme) may not rename from or to polaris/acme_raw.b.t: more would be allowed there \
                 than where it comes from";
    for (a, b, expected) in [
        (json!(["write"]), json!(["write"]), "yes"),
        (json!(["write", "read"]), json!(["write"]), "yes"),
        (json!(["write"]), json!(["write", "read"]), wider),
        (json!(["write", "read"]), json!(["write", "commit"]), wider),
        // Even what a table does not have.
        (json!(["write"]), json!(["write", "loadView"]), wider),
    ] {
        let grants = [(a.clone(), json!([["a"]])), (b.clone(), json!([["b"]]))];
        assert_eq!(said(&grants, path, rename.clone()), expected, "{a} {b}");
    }
    let write = json!(["write"]);
    let more = json!(["write", "commit"]);
    let only_b = json!([["b"]]);
    for (a, b, denied, expected) in [
        // A deny at the new place never lets something pass.
        (&write, &more, &only_b, wider),
        (&write, &more, &json!([["**"]]), wider),
        // What is denied at both is no more at one of them.
        (&more, &more, &json!([["**"]]), "yes"),
        (&more, &more, &json!([["a"], ["b"]]), "yes"),
        (&more, &more, &json!([["a"]]), wider),
        (&more, &more, &only_b, "yes"),
    ] {
        let mut grants = everybody(&[(a.clone(), json!([["a"]])), (b.clone(), json!([["b"]]))]);
        let deny =
            json!({"tenant": "acme", "who": "all", "deny": ["commit"], "at": raw(denied.clone())});
        grants.as_array_mut().unwrap().push(deny);
        let desk = Desk::granting(grants);
        assert_eq!(
            desk.says_with(&desk.alice(&[]), &format!("{RAW}{path}"), rename.clone()),
            expected,
            "{a} {b} {denied}"
        );
    }
}

#[test]
fn files_from_anywhere_are_registered_where_nothing_more_is_allowed() {
    let register = json!({"name": "t", "metadata-location": "s3://acme/x/metadata/v1.json"});
    let path = "/namespaces/a/register";
    let wider = "grant_widened: alice (tenant acme) may not register polaris/acme_raw.a.t: more would be allowed there than \
                 where it comes from";
    for (grants, expected) in [
        (vec![(json!(["write", "read"]), json!([["**"]]))], "yes"),
        (
            vec![
                (json!(["write"]), json!([["**"]])),
                (json!(["read"]), json!([["a"]])),
            ],
            wider,
        ),
        (vec![(json!(["write"]), json!([["a"]]))], wider),
    ] {
        assert_eq!(said(&grants, path, register.clone()), expected);
    }
    // What is denied somewhere is not allowed anywhere, as far as anybody knows.
    let all = json!({"tenant": "acme", "who": "all", "may": ["all"]});
    let deny =
        json!({"tenant": "acme", "who": "all", "deny": ["read"], "at": raw(json!([["pii"]]))});
    let desk = Desk::granting(json!([all, deny]));
    assert_eq!(
        desk.says_with(&desk.alice(&[]), &format!("{RAW}{path}"), register.clone()),
        wider
    );
    // An existing table is changed.
    let mut over = register;
    over["overwrite"] = json!(true);
    let write = [(json!(["write"]), json!([["**"]]))];
    assert_eq!(
        said(&write, path, over.clone()),
        "grant_missing: alice (tenant acme) may not commit to polaris/acme_raw.a.t: no grant"
    );
    assert_eq!(
        said(&[(json!(["write", "commit"]), json!([["**"]]))], path, over),
        "yes"
    );
}
