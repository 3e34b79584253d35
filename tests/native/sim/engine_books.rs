//! The story's own books of who may get what at the token endpoint: nothing here knows of the gate.

use icegate::broker::StreamId;
use icegate::identity::Proof;
use serde_json::Value;

use super::desk::GATE_CLIENT;
use super::engines::{Auth, EXCHANGE, claims_of};
use super::invariants;
use super::tenants::groups;
use super::world::{CI, CORP, Outcome, Request, World};

/// For whom a program's word may be taken, by the story's books. `signed`: it is.
fn may_speak(world: &World, program: &str, name: &str, signed: bool) -> bool {
    let of = |group: &str| groups(name).contains(&group);
    if matches!(name, "mallory" | "root") {
        return false;
    }
    match (program, world.config.tenancy.is_some()) {
        ("trino", true) => !signed && of("/t/acme") && !of("/t/globex"),
        ("trino", false) => !signed && of("/lake/analyst"),
        ("presto", false) => !signed && matches!(name, "alice" | "dave"),
        ("dremio", false) => signed && matches!(name, "alice" | "bob"),
        ("flink", false) => !signed && name == "alice",
        _ => false,
    }
}

/// A token that is given is the gate's and no catalog's, and names who was asked for by somebody who may.
pub(super) fn check_issued(world: &World, stream: StreamId, token: &str, expires_in: u64) {
    let request = &world.requests[&stream];
    let ask = request.ask.as_ref().expect("a request for a token");
    let idp = &world.idps[CORP];
    let given = idp
        .desk
        .books
        .get(token)
        .expect("a token of the identity provider's");
    let audiences: Vec<&str> = match &given.audience {
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    assert!(audiences.contains(&idp.gate), "not for the gate: {given:?}");
    let catalogs = ["catalog", "mart", "bots"];
    let of_catalog = |audience: &&str| catalogs.iter().any(|start| audience.starts_with(start));
    assert!(
        !audiences.iter().any(of_catalog),
        "for a catalog: {given:?}"
    );
    let now = world.now.unix.as_secs();
    assert!(
        expires_in >= 1 && expires_in <= (given.expires - now).max(1),
        "{expires_in} of {given:?}"
    );
    let kind = ask.one("grant_type").expect("a grant");
    if kind == "client_credentials" {
        let (id, secret) = ask.credentials().expect("credentials");
        assert!(idp.desk.ever_good.contains(&(id.clone(), secret)), "{id}");
        assert_eq!(
            (given.who.as_str(), given.client.as_str()),
            (format!("sa-{id}").as_str(), id.as_str())
        );
        assert!(given.program);
        return;
    }
    assert_eq!(kind, EXCHANGE);
    let token = ask.one("subject_token").expect("a subject");
    let subject = world.given(token);
    let claims = claims_of(token).expect("claims");
    let actor = ask.one("actor_token").map(|actor| {
        assert!(
            matches!(&ask.auth, Auth::Bearer(bearer) if bearer == actor),
            "another proof than the actor"
        );
        let subject = &world.subjects[actor];
        assert!(
            subject.genuine && subject.program,
            "the actor is {subject:?}"
        );
        assert!(now < subject.expires, "the actor is {subject:?}");
        subject
            .person
            .strip_prefix("sa-")
            .expect("a program")
            .to_owned()
    });
    match (&ask.auth, actor, &subject) {
        // An engine's word.
        (_, Some(actor), None) => {
            let signed = !token.ends_with('.');
            if signed {
                let subject = &world.subjects[token];
                assert!(
                    subject.genuine && subject.issuer == world.idps[CI].issuer,
                    "{subject:?}"
                );
            }
            let name = claims["sub"].as_str().expect("a name");
            assert_eq!(
                (given.name.as_str(), given.program),
                (name, false),
                "{given:?}"
            );
            assert!(
                may_speak(world, &actor, name, signed),
                "{actor} spoke for {name}"
            );
        }
        (auth, actor, Some(subject)) => {
            assert_eq!(
                (&given.who, given.program),
                (&subject.who, subject.program),
                "{given:?}"
            );
            let expired = now >= subject.expires;
            match (auth, actor) {
                (Auth::Bearer(bearer), None) => {
                    assert_eq!(bearer, token);
                    assert!(!expired, "{subject:?}");
                }
                (_, Some(_)) => assert!(!expired, "{subject:?}"),
                (_, None) => {
                    let login = ask.credentials().expect("a login");
                    assert!(idp.desk.ever_good.contains(&login), "{}", login.0);
                    let own = format!("sa-{}", login.0) == subject.who;
                    // What has ended goes on only as the engine itself, or where its word would be taken anyway.
                    let word = subject.client == GATE_CLIENT
                        && may_speak(world, &login.0, &subject.name, false);
                    assert!(!expired || own || word, "{} after {subject:?}", login.0);
                }
            }
        }
        other => panic!("given for {other:?}"),
    }
    assert_ne!(given.name, "mallory", "denied");
}

/// What a program may do at a catalog, where it is one.
pub(super) fn check_program(request: &Request, who: &str) {
    let Some(id) = who.strip_prefix("sa-") else {
        return;
    };
    let configures = request.path.contains("/v1/config");
    let reads = matches!(request.method.as_str(), "GET" | "HEAD");
    let may = match id {
        "spark" => reads,
        "trino" | "presto" | "dremio" => configures,
        // Over its own connection alone, by which no request comes here.
        _ => false,
    };
    assert!(may, "{who}: {} {}", request.method, request.path);
}

/// Whether a request is for the token endpoint.
pub(super) fn is_for_token(request: &Request) -> bool {
    request.ask.is_some()
}

/// What is told of a request that got a token.
pub(super) fn check_record(world: &World, stream: StreamId) {
    let request = &world.requests[&stream];
    let (Some(record), Outcome::Issued { token, .. }) = (&request.record, &request.outcome) else {
        panic!("a record")
    };
    let given = &world.idps[CORP].desk.books[token];
    let caller = record.caller.as_ref().expect("a caller");
    assert_eq!(
        (&*caller.subject, caller.proof == Proof::Program),
        (given.who.as_str(), given.program)
    );
    assert!(record.issued && record.changes);
    assert_eq!((record.operation, record.refusal), ("getToken", None));
    invariants::holds_no_secret(world, &format!("{record:?}"));
    let ask = request.ask.as_ref().expect("a request for a token");
    let acts = ask.one("actor_token").is_some() || ask.credentials().is_some();
    // Where nobody proves an engine, a word is still that engine's.
    let word = caller.proof == Proof::EngineWord;
    assert!(record.actor.is_some() == acts || word, "{record:?}");
    let subject = ask.one("subject_token");
    if ask.one("actor_token").is_some() && world.given(subject.expect("a subject")).is_none() {
        assert_eq!(caller.proof, Proof::EngineWord, "{record:?}");
    }
}
