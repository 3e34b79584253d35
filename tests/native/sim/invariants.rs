//! What must hold after every step, whatever happened.

use icegate::broker::StreamId;
use icegate::config::IssuerId;
use icegate::wire::HttpCall;
use serde_json::Value;

use super::desk::GrantOf;
use super::engine_books;
use super::idp::{Exchange, SECRET};
use super::tenants;
use super::world::{CI, CORP, Kind, Outcome, Pending, World};
use crate::tokens::base64url;

/// So many characters of a part of a token give it away.
const CANARY: usize = 12;

/// The beginning of a token's part.
pub(crate) fn canary(part: &str) -> Option<String> {
    part.get(..CANARY).map(str::to_owned)
}

/// No piece of any token and no secret stands in a text.
pub(crate) fn holds_no_secret(world: &World, text: &str) {
    // The last one begins every private key for ES256.
    for marker in ["eyJ", "CANARY", &base64url(SECRET)[..16], "MEECAQAwEwYH"] {
        assert!(!text.contains(marker), "{marker} in: {text}");
    }
    let word = |character: char| !(character.is_ascii_alphanumeric() || "-_".contains(character));
    for word in text.split(word) {
        let known = canary(word).is_some_and(|start| world.canaries.contains(&start));
        assert!(!known, "a piece of a token in: {text}");
    }
}

/// Which catalog a path belongs to: its audience, and the position of its identity provider.
fn catalog(path: &str) -> Option<(&'static str, usize)> {
    match path.split('/').nth(1)? {
        "iceberg" => Some(("catalog", CORP)),
        "mart" => Some(("mart", CORP)),
        "bots" => Some(("bots", CI)),
        _ => None,
    }
}

/// Where tokens of an issuer are exchanged for a catalog, and whose these are: itself, unless the story says otherwise.
fn exchanged_at(world: &World, home: usize, audience: &str) -> usize {
    let at = |id: IssuerId| {
        let url = &world.config.issuers[usize::from(id.0)].issuer;
        let found = world.idps.iter().position(|idp| *idp.issuer == **url);
        found.expect("an identity provider of the story")
    };
    let mut contexts = world.config.contexts.iter();
    let other = contexts.find(|context| {
        let rule = &context.token;
        rule.at != rule.from && at(rule.from) == home && rule.expected_audience == audience
    });
    other.map_or(home, |context| at(context.token.at))
}

/// An exchange as it goes over the wire, with what every exchange must have.
pub(crate) fn read_exchange(call: &HttpCall) -> Exchange {
    let header = |name: &str| {
        let header = call.headers.iter().find(|header| header.0 == name);
        header.map(|header| header.1.expose().clone())
    };
    use base64::Engine as _;
    let basic = header("authorization").expect("a credential");
    let basic = basic.strip_prefix("Basic ").expect("Basic");
    let basic = base64::engine::general_purpose::STANDARD.decode(basic);
    let basic = String::from_utf8(basic.expect("base64")).expect("text");
    let (client, secret) = basic.split_once(':').expect("id and secret");
    assert_eq!(secret, SECRET);
    let form: Vec<(String, String)> = form_urlencoded::parse(call.body.expose())
        .into_owned()
        .collect();
    let one = |name: &str| {
        let mut values = form.iter().filter(|(key, _)| key == name);
        let value = values.next().unwrap_or_else(|| panic!("{name} is missing"));
        assert!(values.next().is_none(), "{name} twice");
        value.1.clone()
    };
    match one("grant_type").as_str() {
        "client_credentials" => {
            assert_eq!(form.len(), 1, "an account is asked for alone: {form:?}");
            assert!(tenants::owner_of_account(client).is_some(), "{client}");
            Exchange {
                subject_token: String::new(),
                audience: String::new(),
                own: Some(client.to_owned()),
            }
        }
        "urn:ietf:params:oauth:grant-type:token-exchange" => {
            assert_eq!(client, "icegate");
            Exchange {
                subject_token: one("subject_token"),
                audience: one("audience"),
                own: None,
            }
        }
        other => panic!("{other}"),
    }
}

/// One exchange per token and catalog, not too many of them, and none for a token that was not verified.
pub(crate) fn check_calls(world: &World) {
    // A call that the host lost may be made again.
    let alive = |pending: &&Pending| {
        let lost = pending.call.timeout + icegate::limits::CALL_LOST;
        world.now.instant.since(pending.sent) < lost
    };
    let mut under_way = Vec::new();
    let mut prefixes = Vec::new();
    for pending in world.calls.values().filter(alive) {
        let flight = (pending.idp, &pending.kind);
        match &pending.kind {
            Kind::Exchange {
                subject_token,
                audience,
            } => {
                let subject = &world.subjects[subject_token];
                assert!(subject.genuine, "exchanged unverified: {subject:?}");
                let mut homes = world.idps.iter();
                let home = homes.position(|idp| idp.issuer == subject.issuer);
                let home = home.expect("an identity provider");
                assert_eq!(pending.idp, exchanged_at(world, home, audience));
                assert!(!under_way.contains(&flight), "two flights for {subject:?}");
            }
            // Two tokens of one program are two flights for one account.
            Kind::Own { .. } => {}
            Kind::Prefix { warehouse, .. } => {
                assert!(!prefixes.contains(&warehouse), "{warehouse} is asked twice");
                prefixes.push(warehouse);
            }
            Kind::Grant(grant) => {
                // Two engines may have the same question about one person.
                let services = world.config.services.iter();
                let most = match &grant.of {
                    GrantOf::Assertion { .. } | GrantOf::Impersonation { .. } => services
                        .filter(|service| service.speaks_for.is_some())
                        .count(),
                    GrantOf::Login { .. } => 1,
                    GrantOf::Own { token, actor } => {
                        assert!(world.given(token).is_some(), "exchanged unverified");
                        if let Some(actor) = actor {
                            let issuers = world.config.issuers.iter();
                            let mut told = issuers.filter_map(|issuer| issuer.gate_tokens.as_ref());
                            assert!(told.any(|rule| rule.delegation), "told of an actor");
                            let actor = &world.subjects[actor];
                            assert!(actor.genuine && actor.program, "acts: {actor:?}");
                        }
                        1
                    }
                };
                let same = under_way.iter().filter(|other| **other == flight);
                assert!(same.count() < most, "asked twice: {:?}", grant.of);
            }
            Kind::Metadata | Kind::Keys => {
                let fetch = |call: &(usize, &Kind)| {
                    call.0 == pending.idp && matches!(call.1, Kind::Metadata | Kind::Keys)
                };
                assert!(!under_way.iter().any(fetch), "two fetches of keys");
            }
        }
        under_way.push(flight);
    }
    let grants = under_way
        .iter()
        .filter(|(_, kind)| matches!(kind, Kind::Grant(_)));
    assert!(grants.count() <= icegate::limits::GRANTS_IN_FLIGHT);
    for idp in [CORP, CI] {
        let exchange = |call: &&(usize, &Kind)| {
            call.0 == idp && matches!(call.1, Kind::Exchange { .. } | Kind::Own { .. })
        };
        let exchanges = under_way.iter().filter(exchange).count();
        assert!(exchanges <= world.config.limits.exchanges_in_flight);
    }
}

/// A request went on with a token of the very person whose token it carried, for this catalog alone.
pub(crate) fn check_forwarded(world: &World, stream: StreamId) {
    let request = &world.requests[&stream];
    let subject = &world.subjects[&request.token];
    assert!(subject.genuine, "forwarded for {subject:?}");
    let (audience, home) = catalog(&request.path).expect("a catalog's path");
    let at = exchanged_at(world, home, audience);
    let audience = match world.config.tenancy {
        Some(_) => tenants::check_forwarded(world, request, &subject.person),
        None => audience.to_owned(),
    };
    let (home, idp) = (&world.idps[home], &world.idps[at]);
    let token = request.minted.as_ref().expect("Bearer");
    let minted = idp.books.get(token).expect("a minted token");
    match tenants::account(&subject.person, &request.path) {
        // Only the program itself, and only for what its account is for.
        Some(account) => assert_eq!(minted.person, account),
        None => {
            let home = home.issuer;
            assert_eq!(subject.issuer, home, "another identity provider's caller");
            assert_eq!(minted.person, subject.person);
        }
    }
    let names = |audience: &str| match &minted.audience {
        Value::Array(several) => several.iter().any(|one| one == audience),
        one => one == audience,
    };
    assert!(names(&audience), "not for {audience}: {minted:?}");
    assert!(!names(idp.gate), "for the gate: {minted:?}");
    let now = world.now.unix.as_secs();
    assert!(now < minted.expires, "forwarded {minted:?} at {now}");
    assert!(now < subject.expires, "forwarded for {subject:?} at {now}");
    if !world.clock_was_moved {
        assert!(world.true_seconds() < minted.expires);
    }
}

/// Whoever wants to know is told of every request, and of no token.
pub(crate) fn check_record(world: &World, stream: StreamId) {
    let request = &world.requests[&stream];
    let Some(record) = &request.record else {
        if matches!(request.outcome, Outcome::Answered(_)) {
            return;
        }
        assert!(!world.config.audit.is_on(), "nothing is told");
        return;
    };
    assert!(world.config.audit.is_on());
    holds_no_secret(world, &format!("{record:?}"));
    holds_no_secret(world, &record.line(Some(200)));
    for (_, value) in record.state() {
        holds_no_secret(world, &value);
    }
    match &request.outcome {
        Outcome::Refused(reply) => assert_eq!(record.refusal, Some(reply.details)),
        Outcome::Issued { .. } => engine_books::check_record(world, stream),
        _ => {
            assert_eq!(record.refusal, None);
            let caller = record.caller.as_ref().expect("a caller");
            assert_eq!(*caller.subject, *world.subjects[&request.token].person);
            let tenancy = world.config.tenancy.as_ref();
            let tenant = tenancy.and_then(|_| tenants::owner(world, &request.path));
            assert_eq!(record.tenant.as_deref(), tenant);
            assert!(record.minted_id.is_some() && record.cached.is_some());
        }
    }
}

/// The answer is one of the table of answers, and holds no secret.
pub(crate) fn check_refused(world: &World, stream: StreamId) {
    let request = &world.requests[&stream];
    let Outcome::Refused(reply) = &request.outcome else {
        panic!("refused")
    };
    for (name, value) in &reply.headers {
        holds_no_secret(world, &format!("{name}: {value}"));
    }
    let body = String::from_utf8(reply.body.clone()).expect("text");
    holds_no_secret(world, &body);
    // The line that the reference finds says what the client got.
    let line = format!(
        "refused refusal={} status={} ref=",
        reply.details, reply.status
    );
    let told = world.notes.iter().rev().take(2);
    assert!(
        told.into_iter().any(|note| note.1.starts_with(&line)),
        "{line}"
    );
    let header = |name: &str| {
        let header = reply.headers.iter().find(|header| header.0 == name);
        header.map(|header| header.1.as_str())
    };
    if engine_books::is_for_token(request) {
        return check_token_refused(reply.status, header, &body);
    }
    let read = matches!(request.method.as_str(), "GET" | "HEAD");
    match reply.status {
        503 => assert!(read, "503 to {}", request.method),
        429 => assert!(!read, "429 to {}", request.method),
        400 | 401 | 403 | 404 => {}
        other => panic!("status {other}"),
    }
    let later = matches!(reply.status, 429 | 503);
    assert_eq!(header("retry-after").is_some(), later);
    if let Some(seconds) = header("retry-after") {
        assert!((1..=62).contains(&seconds.parse::<u64>().expect("a number")));
    }
    assert_eq!(header("www-authenticate").is_some(), reply.status == 401);
    if request.method == "HEAD" {
        assert_eq!(body, "");
        return;
    }
    let body: Value = serde_json::from_str(&body).expect("JSON");
    if reply.details == "token_endpoint_off" {
        assert_eq!(body["error"], "unsupported_grant_type");
    } else {
        assert_eq!(body["error"]["code"], reply.status);
        assert!(
            body["error"]["message"]
                .as_str()
                .expect("text")
                .contains("(ref ")
        );
    }
}

/// A refusal of the token endpoint: RFC 6749 section 5.2, and whatever may be tried again says when.
fn check_token_refused<'h>(status: u16, header: impl Fn(&str) -> Option<&'h str>, body: &str) {
    let body: Value = serde_json::from_str(body).expect("JSON");
    let (error, description) = (&body["error"], &body["error_description"]);
    assert!(description.as_str().expect("text").contains("(ref "));
    match status {
        400 => assert!(
            matches!(
                error.as_str(),
                Some(
                    "invalid_request"
                        | "invalid_grant"
                        | "unauthorized_client"
                        | "unsupported_grant_type"
                        | "invalid_scope"
                )
            ),
            "{error}"
        ),
        401 => assert_eq!(error, "invalid_client"),
        429 | 503 => assert_eq!(error, "invalid_request"),
        other => panic!("status {other}"),
    }
    assert_eq!(header("retry-after").is_some(), matches!(status, 429 | 503));
    assert_eq!(header("www-authenticate").is_some(), status == 401);
    assert_eq!(header("cache-control"), Some("no-store"));
    if let Some(seconds) = header("retry-after") {
        assert!((1..=62).contains(&seconds.parse::<u64>().expect("a number")));
    }
}

/// Everything else.
pub(crate) fn check(world: &World) {
    let census = world.broker.census();
    let limits = &world.config.limits;
    assert_eq!(census.parked_on_nothing, 0, "{census:?}");
    assert_eq!(
        census.parked + census.token_requests,
        world.waiting.len(),
        "requests that nobody remembers"
    );
    assert!(census.token_requests <= icegate::limits::TOKEN_REQUESTS);
    assert!(census.token_bytes <= icegate::limits::TOKEN_REQUESTS_BYTES);
    assert!(
        census.token_requests > 0 || census.token_bytes == 0,
        "{census:?}"
    );
    assert!(census.grants <= icegate::limits::GRANTS_IN_FLIGHT);
    assert!(census.parked <= limits.waiters);
    assert!(census.cached <= limits.cached_callers);
    assert!(census.cached_bytes <= limits.cache_bytes);
    assert!(census.flights - census.queued <= limits.exchanges_in_flight * world.idps.len());
    assert!(census.queued <= limits.waiters.div_ceil(2) * world.idps.len());
    assert!(census.body_bytes <= icegate::limits::BODIES_BYTES);
    assert!(census.bodies <= limits.waiters.div_ceil(2));
    assert!(census.calls <= world.calls.len());
    for stream in &world.waiting {
        let request = &world.requests[stream];
        let waits = world.now.instant.since(request.arrived);
        // For keys and tokens, for the body, and for what has ended meanwhile.
        let reads = world.config.tenancy.is_some()
            && tenants::names_in_body(&request.method, &request.path);
        let most = match reads {
            // For its form, and for the identity provider.
            _ if engine_books::is_for_token(request) => limits.request_deadline * 2,
            true => limits.request_deadline * 2 + icegate::limits::BODY_DEADLINE,
            false => limits.request_deadline,
        };
        assert!(waits <= most, "{stream:?} waits for {waits:?}");
    }
    let deadline = world.broker.next_deadline();
    let busy =
        census.parked + census.flights + census.calls + census.token_requests + census.grants;
    assert!(deadline.is_some() || busy == 0);
    assert_eq!(world.count("icegate_cache_entries"), census.cached as i64);
    assert_eq!(
        world.count("icegate_cache_bytes"),
        census.cached_bytes as i64
    );
    // Metrics of one family stand together.
    let sum = |start: &str| {
        let names = world.metrics.iter().zip(&world.counts);
        let of_name = names.skip_while(|(name, _)| !name.starts_with(start));
        let of_name = of_name.take_while(|(name, _)| name.starts_with(start));
        of_name.map(|(_, count)| *count).sum::<i64>()
    };
    let ended = world.forwarded + world.refused + world.issued;
    assert_eq!(sum("icegate_requests."), ended as i64);
    assert_eq!(
        sum("icegate_refusals."),
        (world.refused + world.withheld) as i64
    );
    let given = |outcome: &str| {
        let names = ["corp", "ci"]
            .map(|issuer| format!("icegate_gate_tokens.issuer.{issuer}.outcome.{outcome}"));
        names.iter().map(|name| world.count(name)).sum::<i64>()
    };
    assert_eq!(given("issued"), world.issued as i64);
    assert!(given("kept") <= given("issued"));
}
