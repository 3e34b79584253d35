//! The pages that are made from the code, and the places of the README that must say what files say.
//! `ICEGATE_BLESS=1 cargo test --test native docs_files` writes the pages.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use icegate::config::smallest;
use icegate::refusal::{Answer, Culprit, Reason, Refusal};
use icegate::telemetry::{MetricKind, Tally};

use crate::config_files::holds;
use crate::support::load_value;

const BLESS: &str = "ICEGATE_BLESS=1 cargo test --test native docs_files";

#[test]
fn the_page_of_refusals() {
    holds("docs/refusals.md", &refusals());
}

#[test]
fn the_page_of_metrics() {
    holds("docs/metrics.md", &metrics());
}

/// The README shows the filter's part of the smallest configuration; Envoy starts that file in a test.
#[test]
fn the_readme_shows_the_smallest_configuration_as_it_is() {
    let readme = read("README.md");
    let shown = readme
        .split_once("```yaml\n")
        .and_then(|(_, rest)| rest.split_once("```"))
        .map(|(block, _)| dedented(block))
        .expect("the README has a block of YAML");
    let file = read("envoy/smallest.yaml");
    let lines: Vec<&str> = file.lines().collect();
    assert!(
        lines
            .windows(shown.len())
            .any(|window| dedented(&window.join("\n")) == shown),
        "envoy/smallest.yaml does not contain the README's block:\n{}",
        shown.join("\n")
    );
    let filter = ["issuers:", "catalogs:", "access: catalog_decides"];
    for key in filter {
        assert!(
            shown.iter().any(|line| line.trim() == key),
            "the README's block lacks {key}"
        );
    }
}

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(&path).expect("the file can be read")
}

fn dedented(block: &str) -> Vec<String> {
    let indent = block
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len().saturating_sub(line.trim_start().len()))
        .min()
        .unwrap_or_default();
    block
        .lines()
        .map(|line| line.get(indent..).unwrap_or_default().to_owned())
        .collect()
}

fn refusals() -> String {
    let mut page = format!(
        "\
# Refusals

<!-- Made from src/refusal.rs and src/iceberg/fault.rs: {BLESS} -->

Every way in which the gate says no. The name stands in

- the response details of Envoy's access log (`%RESPONSE_CODE_DETAILS%`),
- the counter `icegate_refusals.refusal.NAME` ([metrics](metrics.md)),
- the gate's log line: `refused refusal=NAME status=... ref=... catalog=... operation=...: sentence`.

The message that the client shows ends with `(ref ...)`, the request's `x-request-id`: it finds the log line.

The body is the Iceberg error, `{{\"error\":{{\"message\":...,\"type\":...,\"code\":...}}}}`, and empty for HEAD. Reads are GET and
HEAD. A 503 and a 429 come with `Retry-After`: nothing was sent to the catalog, so the client may try again, and a commit
is never left in an unknown state. A 401 comes with `WWW-Authenticate: Bearer`.

The token endpoint (`.../v1/oauth/tokens`) answers in the shape of RFC 6749, `{{\"error\":...,\"error_description\":...}}`, whatever
the reason: 401 is `invalid_client` with `WWW-Authenticate: Basic`, everything else that the caller must mend is a 400, and what may
be tried again a 503 (`login_tries`: 429) with `Retry-After`.

Who can mend it: the *caller* is the person or the engine; the *operator* configured the gate or its client at the identity
provider (these are logged as errors: alert on them); the *identity provider* is down, slow or answers what it must not;
*the gate* is full.
"
    );
    for culprit in [
        Culprit::Operator,
        Culprit::IdentityProvider,
        Culprit::Catalog,
        Culprit::Us,
        Culprit::Caller,
    ] {
        let head = match culprit {
            Culprit::Caller => "The caller",
            Culprit::IdentityProvider => "The identity provider",
            Culprit::Catalog => "The catalog",
            Culprit::Operator => "The operator",
            Culprit::Us => "The gate",
        };
        write!(
            page,
            "\n## {head}\n\n| name | reads | others | meaning | what to do |\n|---|---|---|---|---|\n"
        )
        .expect("a string takes all");
        for reason in Reason::all().filter(|reason| reason.culprit() == culprit) {
            let refusal = Refusal::new(reason, "");
            let (name, reads, others) =
                (reason.name(), refusal.status(true), refusal.status(false));
            let meaning = cell(reason.meaning());
            writeln!(
                page,
                "| `{name}` | {reads} | {others} | {meaning} | {} |",
                remedy(reason)
            )
            .expect("a string takes all");
        }
    }
    page
}

/// A sentence as a table's cell.
fn cell(text: &str) -> String {
    let text = text.trim().trim_end_matches('.').replace('|', "\\|");
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

fn remedy(reason: Reason) -> &'static str {
    match reason {
        Reason::MalformedHead => "Look at what stands before Envoy; no Iceberg client sends this.",
        Reason::UpgradeRefused => {
            "Point WebSockets and the like elsewhere; the catalog API has none."
        }
        Reason::TokenMissing | Reason::TokenEmpty => {
            "Configure the engine with a token for the gate (`token` in PyIceberg and the Java client)."
        }
        Reason::SchemeNotBearer => {
            "Send `Bearer`. Basic credentials belong at the identity provider's token endpoint."
        }
        Reason::CredentialsSeveral => {
            "Find who adds the second `Authorization`: the engine, or a proxy before Envoy."
        }
        Reason::TokenMalformed => "Check for quotes, blanks or line ends in the configured token.",
        Reason::TokenTooLong => {
            "Let the identity provider put fewer groups or roles into the token."
        }
        Reason::PathOutside => {
            "Check the engine's `uri` and the catalogs' `base_path`. What is not a catalog gets its own route in Envoy."
        }
        Reason::TokenEndpointOff => {
            "Get the token at the identity provider: set the client's `oauth2-server-uri` to its token endpoint."
        }
        Reason::TokenRequestMalformed => {
            "Look at the client; the message says what is wrong with the form. Iceberg clients send it right."
        }
        Reason::GrantTypeUnsupported => {
            "Use `client_credentials` or token exchange. If it is an exchange, the operator must set `gate_tokens.client`."
        }
        Reason::ScopeUnknown => {
            "Leave the client's `scope` out, or list it in `gate_tokens.scopes` with what the identity provider is asked for instead."
        }
        Reason::LoginMalformed => {
            "Write the client's `credential` as `id:secret`; with `oauth2-server-uri` at the gate no other proof is taken."
        }
        Reason::LoginUnknown => {
            "Write the program under `services`, with its client id as `who.azp`: only such a program may log in at the gate."
        }
        Reason::LoginRefused => {
            "Compare the engine's secret with the identity provider's; there, look whether the client may use `client_credentials`."
        }
        Reason::LoginTries => {
            "Find who tries secrets; the log names the client id. A secret that was good before is never held up by this."
        }
        Reason::ActorRefused => {
            "List the program under `services`, with `speaks_for` if it is to speak for people; or pass the person's own token (in Trino the extra credential `token`)."
        }
        Reason::NameRefused => {
            "Look at `services.NAME.speaks_for`, and at the identity provider for a person of just this name, who is linked to the gate and of an allowed tenant."
        }
        Reason::SubjectTokenRefused => {
            "Send the person's access token. An unsigned one is taken only from a listed program, beside its own token as `actor_token`."
        }
        Reason::SessionOver => {
            "Sign in again. An engine must not go on as itself in a person's session; `gate_tokens.session` bounds sessions that only the gate knows."
        }
        Reason::SessionUnproven => {
            "Nothing: Iceberg clients with a `credential` prove themselves and go on. Without one, log in again."
        }
        Reason::GateTokenUnfit => {
            "Give the client for gate tokens the gate's audience and no catalog's; the message says what does not fit."
        }
        Reason::JwtMalformed => {
            "Send the access token as the identity provider made it; opaque tokens are not accepted."
        }
        Reason::AlgorithmRefused => {
            "Compare the token's `alg` with `algorithms`. Unsigned tokens (Trino's `session=USER` makes them) are never accepted."
        }
        Reason::CriticalHeader => "Send an ordinary access token.",
        Reason::TokenTypeRefused => {
            "Send the access token, not an ID, refresh or logout token; compare its `typ` with `token_types`."
        }
        Reason::IssuerUnknown => {
            "Compare the token's `iss` with the configured `issuer`, character by character."
        }
        Reason::AudienceMismatch => {
            "Ask for a token for the gate: at Keycloak, the audience mapper on the client that the engine logs in with."
        }
        Reason::TokenExpired => "Get a fresh token. If it is fresh, compare the clocks.",
        Reason::TokenNotYetValid => "Compare the clocks of the gate and the identity provider.",
        Reason::SenderConstrained => {
            "Turn DPoP or mTLS binding off for the client that engines log in with."
        }
        Reason::OwnClientToken => {
            "Use another client for engines than the gate's own; a minted token must not come back."
        }
        Reason::ClaimMalformed => {
            "Look at the token's claims: `exp`, `sub` and what `subject_claim` names must be there."
        }
        Reason::KeyUnknown => {
            "Get a fresh token. If that does not help, the key set of another realm or environment is configured."
        }
        Reason::SignatureBad => "Get a fresh token; this one was changed or forged.",
        Reason::KeysUnavailable => {
            "Look at the identity provider and at Envoy's cluster for it; the log says what was answered."
        }
        Reason::IssuerNotServed => {
            "Name that issuer in the catalog's `token.from`, or do not hand its callers this catalog."
        }
        Reason::CallerDenied => "Ask whoever runs the gate; the person stands in `denied`.",
        Reason::ProgramNotListed => {
            "List the program under `services`, with what it may; or leave it refused. Where a person's query ends so, the person's token has expired: sign in again."
        }
        Reason::ProgramPeer => {
            "Let the program call over mutual TLS with the certificate that `services.NAME.who.peer` names, and Envoy verify client certificates."
        }
        Reason::ServiceMayNot => {
            "Sign in again, if it was your query: the engine went on as its own account, because your token has expired. If the program is to do that, write it into its `may`."
        }
        Reason::TenantNone => {
            "Give the person the group, role or attribute that a tenant's `who` asks for, and let it into the token; or add such a tenant."
        }
        Reason::OutsideBorder => {
            "Check the warehouse (or prefix) that the engine names against `tenants.NAME.reach`. `icegate explain` shows what was found."
        }
        Reason::WarehouseMissing => {
            "Set `warehouse` in the client; the message lists the tenant's."
        }
        Reason::SignWithoutPrefix => {
            "Let the catalog give clients a signing path with a prefix, or vend credentials instead."
        }
        Reason::PrefixShared => {
            "Write the prefixes in `reach` (`{warehouse: ..., prefix: ...}`), or mend the catalog."
        }
        Reason::PrefixUnavailable => {
            "Look at the catalog and at `catalogs.NAME.cluster`; the gate asks its `/v1/config`."
        }
        Reason::NameExpression => {
            "Name the table without a reference. `table_references: true` allows `t@ref` within the tenant's own references."
        }
        Reason::GrantMissing => {
            "`icegate explain` shows the nearest grant and the group that would allow it."
        }
        Reason::GrantDenied => "The message names the grant; `deny` wins over every `may`.",
        Reason::ViewHidden => {
            "Nothing, where an engine looks for a view before a table. To open the view, grant `loadView`."
        }
        Reason::GrantWidened => {
            "Grant the same at both places, or let somebody move it who has the same grants everywhere."
        }
        Reason::ClaimLeftOut => {
            "Let the identity provider put only the groups into the token that the gate asks for (Entra: groups assigned to the application)."
        }
        Reason::DelegationRefused => {
            "Configure the client not to ask (`header.X-Iceberg-Access-Delegation`), grant `credentials` or `sign`, or set `delegation: remove`."
        }
        Reason::LocationOutside => {
            "Use a location below one of `tenants.NAME.locations`; the message names the field."
        }
        Reason::RegisterWithoutLocations => "Write the tenant's `locations`.",
        Reason::ViewOwner => {
            "Write the view as yourself: `CREATE OR REPLACE VIEW` by the user whom it shall run as; to give up its owner, drop it and create it anew."
        }
        Reason::QueryAmbiguous => {
            "Send each parameter once, in its own spelling, with `&` between them."
        }
        Reason::BodyUnreadable => "Look at the client; the catalog would have had to guess too.",
        Reason::BodyEncoded => "Send bodies plain, as UTF-8; Iceberg clients do.",
        Reason::BodyTooLarge => "Raise `limits.request_body`.",
        Reason::BodyContradictsPath => {
            "Look at the client; path and body must name the same object."
        }
        Reason::BodyLate => "Look at the client or the network before it.",
        Reason::BodiesFull => "Look for clients that send bodies slowly; try again.",
        Reason::TenantExchangesFull => {
            "Raise `tenants.NAME.limits.exchanges_per_second`, or find who asks with ever new tokens."
        }
        Reason::AnswerUnreadable => {
            "Look at the catalog, and at what stands between it and Envoy; the log says what is wrong."
        }
        Reason::AnswerTooLarge => "Raise `limits.guarded_answer`.",
        Reason::AnswerOutsideBorder => {
            "Compare the prefix that the catalog gives with `tenants.NAME.reach`."
        }
        Reason::AnswerSeparator => {
            "Write the separator that the catalog's `/v1/config` announces as `namespace_separator`."
        }
        Reason::MintedNeverAs => {
            "The name stands in `never_as`. Nobody may have it at the identity provider."
        }
        Reason::SubjectRefused => {
            "Log in again: the session was ended, or the person was disabled at the identity provider."
        }
        Reason::ExchangeForbidden => {
            "Ask the identity provider's administrator why this person's token may not be exchanged."
        }
        Reason::ClientRefused => {
            "Check the client's id and secret, and that `ICEGATE_SECRET` reaches Envoy's environment."
        }
        Reason::ExchangeMisconfigured => {
            "Turn on standard token exchange for the gate's client, and give it the catalog's audience mapper; the log names the parameter."
        }
        Reason::IdpRateLimited => {
            "Raise the limit at the identity provider, or `life` at the catalog."
        }
        Reason::IdpUnreachable | Reason::IdpTimeout | Reason::IdpBroken | Reason::IdpPaused => {
            "Look at the identity provider. Callers with a cached token are served meanwhile; it recovers by itself."
        }
        Reason::DeadlinePassed => {
            "Look at why the identity provider is slow (`icegate_exchange_ms`); the bound is `limits.request_deadline`."
        }
        Reason::MintedOpaque => "Let the identity provider mint JWTs for the catalog.",
        Reason::MintedOtherSubject => {
            "If the issuer's `sub` differs per client (pairwise), set `subject_claim`. Else the identity provider is broken."
        }
        Reason::MintedOtherAudience => {
            "Give the gate's client the audience mapper of the catalog, or correct `token.audience`."
        }
        Reason::MintedOurAudience => {
            "Take the gate's audience out of what the gate's own client gets (a scope or mapper too many)."
        }
        Reason::MintedExpired => {
            "Compare the clocks; give the gate's client an access token lifespan of minutes."
        }
        Reason::MintedInvalid => {
            "The gate's log says what does not fit. The identity provider answers what it did not sign, or in another form."
        }
        Reason::WaitersFull | Reason::ExchangesFull => {
            "Look at why the identity provider is slow; then at `limits`."
        }
        Reason::HostFailed => "Report it, with Envoy's log.",
        Reason::Path(_) if reason.answer() == Answer::NotFound => {
            "Check the engine's `uri`, and whether the catalog's `kind` is right."
        }
        Reason::Path(_) => {
            "Change the spelling; the clients of Iceberg do not send this by themselves."
        }
    }
}

fn metrics() -> String {
    let config = load_value(&smallest()).expect("the smallest configuration loads");
    let tally = Tally::new(&config);
    // family -> (kind, its labels in order, each with its values)
    let mut families: BTreeMap<&str, Family> = BTreeMap::new();
    for metric in tally.metrics() {
        let mut words = metric.name.split('.');
        let name = words.next().unwrap_or_default();
        let family = families.entry(name).or_insert_with(|| Family {
            kind: metric.kind,
            labels: Vec::new(),
        });
        assert_eq!(family.kind, metric.kind, "{name} is of two kinds");
        let words: Vec<&str> = words.collect();
        for (place, pair) in words.chunks(2).enumerate() {
            let [label, value] = pair else {
                panic!("{}: a label without a value", metric.name)
            };
            if family.labels.len() == place {
                family.labels.push((label, Vec::new()));
            }
            assert_eq!(
                family.labels[place].0, *label,
                "{name} has its labels in one order"
            );
            if !family.labels[place].1.contains(value) {
                family.labels[place].1.push(value);
            }
        }
    }

    // The same in the configuration that people copy, which a test starts.
    let hardened = read("envoy/hardened.yaml");
    let tags: String = hardened
        .lines()
        .skip_while(|line| *line != "stats_config:")
        .take_while(|line| !line.is_empty())
        .flat_map(|line| [line, "\n"])
        .collect();
    for (label, _) in families.values().flat_map(|family| &family.labels) {
        let tag = format!("{{tag_name: {label}, regex: ");
        assert!(tags.contains(&tag), "envoy/hardened.yaml has no {tag}");
    }
    let mut page = format!(
        "\
# Metrics

<!-- Made from src/telemetry.rs: {BLESS} -->

What the gate counts, as Envoy's own stats: `curl ADMIN/stats?filter=icegate`, `ADMIN/stats/prometheus`, or any stats sink. Envoy
puts `wasmcustom.` before the names in its own listing, and nothing before them for Prometheus. Counts arrive with the filter's
tick, a tenth of a second later at most. All workers count into the same stats.

Labels are written into the name as `.label.value`, for instance `icegate_requests.catalog.lake.verdict.forwarded`. With these
`stats_tags` in Envoy's bootstrap (as in [envoy/hardened.yaml](../envoy/hardened.yaml)) they become labels of Prometheus, `icegate_requests{{catalog=\"lake\",verdict=\"forwarded\"}}`:

```yaml
{tags}```

Every name is fixed when the configuration is loaded. Values of labels come from the configuration (`catalog`, `issuer`) or from
the code; none comes from a request.

| name | kind | labels | what it counts |
|---|---|---|---|
"
    );
    for (name, family) in &families {
        let kind = match family.kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        };
        let labels: Vec<String> = family
            .labels
            .iter()
            .map(|(label, values)| match *label {
                "refusal" => "`refusal`: a name of [refusals](refusals.md)".to_owned(),
                "issuer" => "`issuer`".to_owned(),
                "catalog" if values.contains(&"NONE") => {
                    "`catalog`, or `NONE` outside of every catalog".to_owned()
                }
                "catalog" => "`catalog`".to_owned(),
                label => format!("`{label}`: {}", values.join(", ")),
            })
            .collect();
        writeln!(
            page,
            "| `{name}` | {kind} | {} | {} |",
            labels.join("; "),
            counted(name)
        )
        .expect("a string takes all");
    }
    page.push_str(
        "
## What to alert on

- Any of the refusals of [the operator](refusals.md#the-operator): nobody gets through until the configuration is mended.
- `icegate_key_fetches` with `outcome` failed and none with ok for minutes: after `limits.key_max_age` nobody is let in.
- `icegate_exchanges` with `outcome` idp_fault: people without a cached token wait, or are told to come back.
- `icegate_catalog_unauthorized`: the catalog does not know the person, or does not trust the identity provider's keys.
- Envoy's own `wasm.icegate.vm_reload`: the filter's VM died and was made anew. That is a fault of ours; please report it.
- Envoy's own `wasm.envoy.wasm.runtime.v8.active` at zero: the filter did not load.
",
    );
    page
}

struct Family<'a> {
    kind: MetricKind,
    labels: Vec<(&'a str, Vec<&'a str>)>,
}

fn counted(family: &str) -> &'static str {
    match family {
        "icegate_requests" => "Requests that were decided.",
        "icegate_refusals" => "Requests that were refused, by the name of the refusal.",
        "icegate_exchanges" => {
            "Exchanges that ended. minted: a token that passed every check; caller_refused: not with this token, or not for this caller; operator_fault: the gate's credential or parameters were refused; idp_fault: no usable answer; check_failed: the token was not the one that was asked for."
        }
        "icegate_gate_tokens" => {
            "Gate tokens at the token endpoint. issued: given to a client; kept: of these, found for the same question without asking the identity provider."
        }
        "icegate_grants" => {
            "Questions for gate tokens to the identity provider that ended; the outcomes are those of exchanges. caller_refused: a wrong secret, a name that nobody has, a session that is over."
        }
        "icegate_grant_ms" => "Time of such a question, from the call to its end, in milliseconds.",
        "icegate_exchange_ms" => "Time of an exchange, from the call to its end, in milliseconds.",
        "icegate_cache" => {
            "Look-ups of minted tokens. eviction: an entry went before its time, to make room; many of them mean that `limits.cached_callers` or `limits.cache_bytes` is too small."
        }
        "icegate_cache_entries" => {
            "Callers in the caches of all workers. What a VM held that died is never taken off."
        }
        "icegate_cache_bytes" => {
            "Bytes of tokens in the caches of all workers. What a VM held that died is never taken off."
        }
        "icegate_key_fetches" => "Fetches of metadata and key sets.",
        "icegate_answers_removed" => {
            "What was taken out of the catalogs' answers because it would have led clients around the gate, or was not granted."
        }
        "icegate_report_only" => {
            "Requests that the grants would have refused, and that passed because of `report_only`, by the name of the refusal."
        }
        "icegate_catalog_unauthorized" => "Answers of 401 by a catalog to a minted token.",
        other => panic!("{other} has no line in docs/metrics.md; write one here"),
    }
}
