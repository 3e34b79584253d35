//! No token and no secret in anything that the tool prints, wherever people put them.

use crate::check::SMALL;
use crate::explain::{BOB, tool};
use crate::explain_token::{HEADER, token};

#[test]
fn no_token_and_no_secret_is_ever_shown() {
    let jwt = token(HEADER, &[("nonce", "CANARY-claim".into())]);
    let inline = SMALL.replace("{env: ICEGATE_SECRET}", "CANARY-inline");
    let in_envoy = crate::run::repository("tests/cli/files/bootstrap.yaml").replace(
        "{host_env_keys: [ICEGATE_SECRET]}",
        "{key_values: {ICEGATE_SECRET: CANARY-written}}",
    );
    let tool = tool("canaries")
        .file("token", &jwt)
        .file("bob.json", BOB)
        .file("inline.yaml", inline)
        .file("envoy.yaml", in_envoy)
        .file("broken.yaml", "secret: CANARY-broken: [\n")
        .file(
            "claims.json",
            format!("{{\"iss\": \"{jwt}\", \"sub\": CANARY"),
        )
        .variable("ICEGATE_SECRET", "CANARY-environment");
    let get = "GET /api/catalog/v1/acme_mart/namespaces";
    let with_query = format!("{get}?access_token={jwt}");
    let with_path = format!("GET /{jwt}");
    let header = format!("Authorization: Bearer {jwt}");
    let other_header = format!("X-Api-Key: {jwt}");
    let audit = format!("{{\"operation\": \"x\", \"decision\": \"x\", \"token\": \"{jwt}\"}}");
    let runs: &[&[&str]] = &[
        &["check", "inline.yaml"],
        &["check", "envoy.yaml"],
        &["check", "broken.yaml"],
        &["check", "--env", "gate.yaml"],
        &["check", &jwt],
        &[&jwt],
        &["explain", "gate.yaml", "--env", "--token", "token", get],
        &["explain", "gate.yaml", "--token", "token", &with_query],
        // In the place of a file's name, of a request, of an option's value, of an option.
        &["explain", "gate.yaml", "--token", &jwt, get],
        &["explain", "gate.yaml", "--claims", &jwt, get],
        &[
            "explain",
            "gate.yaml",
            "--body",
            &jwt,
            "--token",
            "token",
            get,
        ],
        &["explain", "gate.yaml", "--token", "token", &jwt],
        &["explain", "gate.yaml", "--token", "token", get, &jwt],
        &[
            "explain",
            "gate.yaml",
            "--token",
            "token",
            "--header",
            &header,
            get,
        ],
        &[
            "explain",
            "gate.yaml",
            "--token",
            "token",
            "--header",
            &other_header,
            get,
        ],
        &[
            "explain",
            "gate.yaml",
            "--token",
            "token",
            "--header",
            &jwt,
            get,
        ],
        &[
            "explain",
            "gate.yaml",
            "--token",
            "token",
            "--prefix",
            &jwt,
            get,
        ],
        &[
            "explain",
            "gate.yaml",
            "--token",
            "token",
            "--filter",
            &jwt,
            get,
        ],
        &["explain", "gate.yaml", &format!("--{jwt}")],
        &["explain", "gate.yaml", &format!("--env={jwt}")],
        &["explain", "gate.yaml", "--claims", "claims.json", get],
        &["explain", "gate.yaml", "--claims", "bob.json", get],
        &["explain", "gate.yaml", "--audit", &audit],
        &["explain", "gate.yaml", "--audit", &jwt],
        &["explain", "inline.yaml", "--token", "token", get],
    ];
    let parts: Vec<&str> = jwt.split('.').collect();
    let mut spoken = 0;
    for arguments in runs {
        let ran = tool.run(arguments);
        let all = format!("{}{}", ran.out, ran.err);
        assert!(!all.is_empty(), "{arguments:?} says nothing");
        assert!(!all.contains("CANARY"), "{arguments:?}:\n{all}");
        for part in &parts[1..] {
            assert!(!all.contains(part), "{arguments:?}:\n{all}");
        }
        spoken += 1;
    }
    assert_eq!(spoken, runs.len());
    // A path is no secret; the gate itself tells nobody of it, and the tool shows what it was asked about.
    let shown = tool.run(&["explain", "gate.yaml", "--token", "token", &with_path]);
    assert_eq!(shown.code, 3);
}
