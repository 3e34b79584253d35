//! What an explanation advises is so: the group that would allow does allow, and no word contradicts the end.

use std::collections::BTreeSet;

use icegate::broker::explain::{End, Found, Question, explain};
use icegate::clock::UnixTime;
use icegate::config::{CatalogId, Config, WarehouseId, load};
use icegate::policy::explain::{How, Word};
use icegate::policy::{Prefixes, Told};
use icegate::wire::{Authorization, RequestHead};

use crate::explain_token::{HEADER, token};

/// Grants that overlap: by group, by place, by operation, with a deny for all and one for a group.
const CONFIGURATION: &str = r#"{
    "issuers": {"corp": {"profile": "keycloak", "issuer": "https://idp.example.com/realms/lake", "cluster": "idp",
        "audiences": ["icegate"], "client": {"id": "icegate", "secret": {"env": "SECRET"}}}},
    "catalogs": {"polaris": {"kind": "polaris", "base_path": "/c", "token": {"from": "corp", "audience": "polaris"}}},
    "access": "grants", "allow_on_headers_stop_iteration": true,
    "tenants": {"acme": {"who": {"issuer": "corp", "claim": "groups", "has": "t"},
        "reach": {"polaris": ["raw", "mart"]}, "locations": ["s3://acme/"]}},
    "grants": [
        {"tenant": "acme", "who": {"claim": "groups", "has": "a"}, "may": ["read"], "at": {"polaris": ["mart"]}},
        {"tenant": "acme", "who": {"claim": "groups", "has": ["b", "c"]}, "may": ["read", "write"]},
        {"tenant": "acme", "who": "all", "deny": ["dropTable"], "at": {"polaris": {"raw": [["pii", "**"]]}}},
        {"tenant": "acme", "who": {"claim": "groups", "has": "c"}, "deny": ["read"],
            "at": {"polaris": {"raw": [{"namespace": ["pii"], "table": "t"}]}}},
        {"tenant": "acme", "who": {"claim": "groups", "has": "d"}, "may": ["all"],
            "at": {"polaris": {"raw": [["pii", "x"], {"namespace": ["pii"], "table": "t"}]}}}]}"#;

const REQUESTS: [(&[u8], &[u8]); 12] = [
    (b"GET", b"/c/v1/config?warehouse=raw"),
    (b"GET", b"/c/v1/raw/namespaces"),
    (b"GET", b"/c/v1/raw/namespaces?parent=pii"),
    (b"GET", b"/c/v1/raw/namespaces/pii"),
    (b"GET", b"/c/v1/raw/namespaces/pii/tables"),
    (b"GET", b"/c/v1/raw/namespaces/pii/tables/t"),
    (b"DELETE", b"/c/v1/raw/namespaces/pii/tables/t"),
    (b"DELETE", b"/c/v1/raw/namespaces/pii%1Fx/views/v"),
    (b"POST", b"/c/v1/raw/namespaces/pii/tables/t/plan"),
    (b"GET", b"/c/v1/mart/namespaces/n/views/v"),
    (b"GET", b"/c/v1/mart/namespaces/n/tables/t/credentials"),
    (b"DELETE", b"/c/v1/mart/namespaces/n/tables/t"),
];

struct Nothing;

impl Prefixes for Nothing {
    fn find(&self, _: CatalogId, _: &str) -> Told {
        Told::Nothing
    }

    fn must_ask(&self, _: WarehouseId) -> bool {
        false
    }
}

fn ask(config: &Config, groups: &BTreeSet<&str>, (method, path): (&[u8], &[u8])) -> Found {
    let groups: Vec<&str> = groups.iter().copied().chain(["t"]).collect();
    let authorization = format!("Bearer {}", token(HEADER, &[("groups", groups.into())]));
    let headers: [(&[u8], &[u8]); 2] = [(b":method", method), (b":path", path)];
    let mut head = RequestHead::read(headers.into_iter());
    head.authorization = Authorization::One(authorization.as_bytes());
    let now = UnixTime::from_secs(1_800_000_000);
    let question = Question {
        head,
        body: None,
        prefixes: &Nothing,
        now,
    };
    explain(config, &question)
}

#[test]
fn the_advice_is_right_and_the_words_fit_the_end() {
    let secret = |_: &str| Some("secret".to_owned());
    let config = load(CONFIGURATION.as_bytes(), &secret).expect("it loads");
    let (mut advised, mut forwarded, mut refused) = (0, 0, 0);
    for number in 0..16_u8 {
        let all = ["a", "b", "c", "d"].into_iter().enumerate();
        let groups: BTreeSet<&str> = all
            .filter(|(bit, _)| number & (1 << bit) != 0)
            .map(|(_, group)| group)
            .collect();
        for request in REQUESTS {
            let place = format!("{groups:?} {}", String::from_utf8_lossy(request.1));
            let found = ask(&config, &groups, request);
            let policy = found.policy.expect(&place);
            let good = |word: &Word| matches!(word, Word::Granted(_) | Word::NeedsNone);
            let all_good = policy.demands.iter().all(|one| good(&one.word));
            match found.end {
                End::Forwarded => forwarded += 1,
                End::Refused(_) => refused += 1,
                End::NeedsBody | End::NeedsPrefix(_) => panic!("{place}: undecided"),
            }
            assert!(!policy.demands.is_empty(), "{place}");
            assert_eq!(matches!(found.end, End::Forwarded), all_good, "{place}");
            for (position, reasoned) in policy.demands.iter().enumerate() {
                let whos = reasoned.near.iter().filter_map(|near| match &near.how {
                    How::OtherPeople(whos) => Some((near.grant, whos)),
                    How::Elsewhere(_) | How::OtherOperations(_) => None,
                });
                for (grant, who) in
                    whos.flat_map(|(grant, whos)| whos.iter().map(move |who| (grant, who)))
                {
                    let who = config.whos.get(*who).expect("it is of the configuration");
                    let mut more = groups.clone();
                    assert!(
                        more.insert(&who.has),
                        "{place}: {} is there already",
                        who.has
                    );
                    let then = ask(&config, &more, request).policy.expect(&place);
                    let word = then.demands[position].word;
                    assert!(
                        matches!(word, Word::Granted(by) if by <= grant),
                        "{place}: with {} it is {word:?}",
                        who.has
                    );
                    advised += 1;
                }
            }
        }
    }
    // Each kind was met, or the test has shown nothing.
    assert!(
        advised > 40 && forwarded > 50 && refused > 50,
        "{advised} {forwarded} {refused}"
    );
}
