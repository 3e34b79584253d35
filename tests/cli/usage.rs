//! The command line.

use expect_test::expect;

use crate::check::SMALL;
use crate::run::{Tool, says};

#[test]
fn help_and_version() {
    let tool = Tool::new("help");
    says(
        &tool.run(&["--help"]),
        &expect![[r#"
        icegate: what the gate says of a configuration, and what it would decide on a request

          icegate check FILE
          icegate explain FILE (--claims FILE | --token FILE) REQUEST...
          icegate explain FILE --audit LINE

        FILE holds a configuration of the gate: alone, as YAML or JSON; or anywhere in an Envoy bootstrap, a listener, an
        EnvoyFilter, a WasmPlugin, an EnvoyExtensionPolicy. `-` is standard input, here and below.

        check    prints every fault, one a line, or ok and what the configuration holds. Each filter of the file is also
                 compared with what stands around it.
        explain  prints who would call, what is wanted, and which grant decides on each demand; of a refusal, what the client
                 would see, the nearest grants, and the group that would allow it. REQUEST is a request line,
                 'GET /iceberg/v1/config?warehouse=sales'. Nothing is sent anywhere; no signature is checked.

          --env                read secrets from the environment; without it placeholders stand for them
          --filter TEXT        explain: of several filters, the one whose place holds this text
          --claims FILE        a token's claims, as JSON; where exp or aud is left out, the right one is taken
          --token FILE         a token; it is read and never shown
          --audit LINE         a line of the audit, in place of claims and REQUEST
          --header 'NAME: VALUE'
                               a header of the request; may be repeated
          --body FILE          the request's body
          --peer NAME          what the certificate of the client's connection names (services.NAME.who.peer)
          --prefix WAREHOUSE=PREFIX
                               what the catalog tells as a warehouse's prefix, where the gate would ask it; may be repeated
          -h, --help           this text
          -V, --version        the version

        Exit codes: 0 no fault, forwarded; 1 faults; 2 no answer (wrong arguments, unreadable files); 3 refused.
        -> 0
    "#]],
    );
    let version = tool.run(&["-V"]);
    assert_eq!(
        version.out,
        format!("icegate {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn wrong_arguments() {
    let tool = Tool::new("wrong").file("gate.yaml", SMALL);
    let mut text = String::new();
    for arguments in [
        &[] as &[&str],
        &["chek", "gate.yaml"],
        &["check"],
        &["check", "gate.yaml", "gate.yaml"],
        &["check", "gate.yaml", "--header", "a: b"],
        &["check", "gate.yaml", "--nothing"],
        &["check", "gate.yaml", "--env=1"],
        &["explain"],
        &["explain", "gate.yaml", "GET /v1/config"],
        &[
            "explain",
            "gate.yaml",
            "--claims",
            "a",
            "--token",
            "b",
            "GET /v1/config",
        ],
        &["explain", "gate.yaml", "--claims"],
        &["explain", "gate.yaml", "--claims", "a.json"],
        &["explain", "gate.yaml", "--claims", "a.json", "GET"],
        &[
            "explain",
            "gate.yaml",
            "--claims",
            "a.json",
            "get /v1/config",
        ],
        &[
            "explain",
            "gate.yaml",
            "--claims",
            "a.json",
            "GET v1/config",
        ],
        &[
            "explain",
            "gate.yaml",
            "--claims",
            "a.json",
            "GET /a",
            "GET /b",
            "--body",
            "c",
        ],
        &[
            "explain",
            "gate.yaml",
            "--claims",
            "a.json",
            "--header",
            "no",
            "GET /a",
        ],
        &[
            "explain",
            "gate.yaml",
            "--claims",
            "a.json",
            "--prefix",
            "no",
            "GET /a",
        ],
        &[
            "explain",
            "gate.yaml",
            "--claims",
            "-",
            "--body",
            "-",
            "GET /a",
        ],
        &["explain", "gate.yaml", "--audit", "{}", "GET /a"],
        &["explain", "gate.yaml", "--claims", "nowhere.json", "GET /a"],
        &["explain", "gate.yaml", "--token", "nowhere", "GET /a"],
        &["explain", "gate.yaml", "--claims", "gate.yaml", "GET /a"],
    ] {
        let ran = tool.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
        let complaint = ran.err.lines().next().unwrap_or_default();
        text.push_str(&format!("{}\n    {complaint}\n", arguments.join(" ")));
    }
    expect![[r#"

            icegate: a command must be given: check or explain
        chek gate.yaml
            icegate: the command must be check or explain
        check
            icegate: check: a file must be named
        check gate.yaml gate.yaml
            icegate: check takes one file
        check gate.yaml --header a: b
            icegate: check takes no option but --env
        check gate.yaml --nothing
            icegate: --nothing is unknown
        check gate.yaml --env=1
            icegate: an option has a value that it does not take
        explain
            icegate: explain: a file must be named
        explain gate.yaml GET /v1/config
            icegate: explain: one of --claims, --token and --audit must be given
        explain gate.yaml --claims a --token b GET /v1/config
            icegate: explain: one of --claims, --token and --audit must be given
        explain gate.yaml --claims
            icegate: --claims must have a value
        explain gate.yaml --claims a.json
            icegate: explain: a request must be given, as in 'GET /v1/config'
        explain gate.yaml --claims a.json GET
            icegate: a request must be a method and a path, as in 'GET /v1/config'
        explain gate.yaml --claims a.json get /v1/config
            icegate: a request must be a method and a path, as in 'GET /v1/config'
        explain gate.yaml --claims a.json GET v1/config
            icegate: a request must be a method and a path, as in 'GET /v1/config'
        explain gate.yaml --claims a.json GET /a GET /b --body c
            icegate: explain: --body goes with one request
        explain gate.yaml --claims a.json --header no GET /a
            icegate: --header must be 'NAME: VALUE'
        explain gate.yaml --claims a.json --prefix no GET /a
            icegate: --prefix must be WAREHOUSE=PREFIX
        explain gate.yaml --claims - --body - GET /a
            icegate: standard input (-) can be read once
        explain gate.yaml --audit {} GET /a
            icegate: explain: an audit line goes without a request, it has its own
        explain gate.yaml --claims nowhere.json GET /a
            icegate: --claims: the file cannot be read: No such file or directory (os error 2)
        explain gate.yaml --token nowhere GET /a
            icegate: --token: the file cannot be read (it names a file, or - for standard input): No such file or directory (os error 2)
        explain gate.yaml --claims gate.yaml GET /a
            icegate: --claims: the file is not JSON (line 2, column 1)
    "#]].assert_eq(&text);
}
