//! The golden files of the token endpoint: requests as they are sent, answers as they are understood.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use icegate::config::{Profile, SpeaksBy};
use icegate::dialect::ErrorTable;
use icegate::exchange::{Sorted, sort, sort_by};
use icegate::oauth::{
    ClientAuthentication, ClientCredentialsGrant, ExchangeWords, Impersonation, JwtBearerGrant,
    TOKEN_TYPE_ACCESS_TOKEN, TokenExchange,
};
use icegate::secret::Secret;
use icegate::wire::CallAnswer;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/native/golden/oauth")
}

/// The cells of the tables' rows that name a file, without their code marks.
fn index() -> Vec<Vec<String>> {
    let page = fs::read_to_string(folder().join("INDEX.md")).unwrap();
    page.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            line.trim_matches('|')
                .split(" | ")
                .map(|cell| cell.trim().trim_matches('`').to_owned())
                .collect()
        })
        .collect()
}

#[test]
fn every_file_has_its_line_and_every_line_its_file() {
    let listed: Vec<String> = index().into_iter().map(|row| row[0].clone()).collect();
    let mut there = BTreeSet::new();
    for part in ["requests", "answers"] {
        for entry in fs::read_dir(folder().join(part)).unwrap() {
            there.insert(entry.unwrap().file_name().into_string().unwrap());
        }
    }
    assert_eq!(listed.len(), there.len());
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), there);
}

/// The table of a profile's exchange, or of the grant behind its name.
fn errors(profile: &str) -> Option<ErrorTable> {
    let (name, grant) = profile.split_once(' ').unwrap_or((profile, ""));
    let profile = Profile::from_name(name)?;
    let dialect = profile.dialect();
    let word = |by: SpeaksBy| Some(by.word(profile).ok()?.errors);
    match grant {
        "" => Some(dialect.exchange.errors),
        "client_credentials" => Some(dialect.client_credentials.errors),
        "assertion" => word(SpeaksBy::Assertion),
        "impersonation" => word(SpeaksBy::Impersonation),
        _ => None,
    }
}

#[test]
fn answers_are_sorted_as_the_index_says() {
    let rows: Vec<_> = index().into_iter().filter(|row| row.len() == 5).collect();
    assert!(rows.len() > 120, "only {} answers", rows.len());
    for row in rows {
        let [file, profile, status, expected, _source] = row.try_into().unwrap();
        let errors = errors(&profile).unwrap_or_else(|| panic!("{file}: unknown {profile}"));
        let body = fs::read(folder().join("answers").join(&file)).unwrap();
        let answer = CallAnswer::Answered {
            status: status.parse().unwrap(),
            retry_after: None,
            body: &body,
        };
        let sorted = sort_by(errors, answer);
        let name = match &sorted {
            Sorted::Minted(_) => "Minted".to_owned(),
            other => format!("{other:?}"),
        };
        assert_eq!(name, expected, "{file}");
        for secret in ["CANARY", "eyJ"] {
            assert!(
                !format!("{sorted:?}").contains(secret),
                "{file} prints {secret}"
            );
        }
    }
}

#[test]
fn the_answer_of_rfc_8693_is_read_whole() {
    let body = fs::read(folder().join("answers/rfc8693-2.3-answer.json")).unwrap();
    let answer = CallAnswer::Answered {
        status: 200,
        retry_after: None,
        body: &body,
    };
    let Sorted::Minted(response) = sort(Profile::Rfc8693, answer) else {
        panic!("no token")
    };
    assert!(
        response
            .access_token
            .expose()
            .ends_with("Wh3CGozQBihNBhnXEQgU85AI9x3KmsPottVMLPIWvmDCMy5-kdXjwhw")
    );
    assert_eq!(
        response.issued_token_type.as_deref(),
        Some("urn:ietf:params:oauth:token-type:access_token")
    );
    assert_eq!(format!("{:?}", response.expires_in), "In(60s)");
}

/// The bytes of a request file: its value of `authorization`, and its body.
fn golden(name: &str) -> (Option<String>, String) {
    let text = fs::read_to_string(folder().join("requests").join(name)).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let authorization = head
        .lines()
        .find_map(|line| line.strip_prefix("authorization: ").map(str::to_owned));
    (authorization, body.to_owned())
}

const KEYCLOAK: TokenExchange<'_> = TokenExchange {
    words: ExchangeWords::RFC8693,
    resources: &[],
    audiences: &[],
    scope: None,
    requested_token_type: None,
    subject_token: "eyJh.eyJz.c2ln",
    subject_token_type: Some(TOKEN_TYPE_ACCESS_TOKEN),
    actor_token: None,
    parameters: &[],
};
const BASIC: ClientAuthentication<'_> = ClientAuthentication::SecretBasic {
    id: "icegate",
    secret: "icegate-secret",
};
const POST: ClientAuthentication<'_> = ClientAuthentication::SecretPost {
    id: "icegate",
    secret: "icegate-secret",
};

#[track_caller]
fn written(name: &str, exchange: TokenExchange<'_>, client: ClientAuthentication<'_>) {
    form_written(name, &exchange.to_form(client), client);
}

#[track_caller]
fn form_written(name: &str, form: &Secret<Vec<u8>>, client: ClientAuthentication<'_>) {
    let (authorization, body) = golden(name);
    assert_eq!(
        client.authorization().map(|value| value.expose().clone()),
        authorization,
        "{name}"
    );
    assert_eq!(str::from_utf8(form.expose()).unwrap(), body, "{name}");
}

#[test]
fn requests_are_written_byte_for_byte() {
    let catalog = ["catalog".to_owned()];
    let both = ["catalog".to_owned(), "catalog2".to_owned()];
    let resources = ["https://backend.example.com/api".to_owned()];
    let connector = [("connector_id".to_owned(), "keycloak".to_owned())];

    written(
        "rfc8693-2.3.http",
        TokenExchange {
            resources: &resources,
            subject_token: "accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC",
            ..KEYCLOAK
        },
        ClientAuthentication::SecretBasic {
            id: "rs08",
            secret: "long-secure-random-secret",
        },
    );
    let exchange = TokenExchange {
        audiences: &catalog,
        ..KEYCLOAK
    };
    written("keycloak-basic.http", exchange, BASIC);
    written("keycloak-post.http", exchange, POST);
    written(
        "keycloak-injected.http",
        exchange,
        ClientAuthentication::None,
    );
    written(
        "keycloak-two-audiences.http",
        TokenExchange {
            audiences: &both,
            scope: Some("to-catalog2"),
            requested_token_type: Some(TOKEN_TYPE_ACCESS_TOKEN),
            ..KEYCLOAK
        },
        BASIC,
    );
    written(
        "dex-connector.http",
        TokenExchange {
            scope: Some("openid audience:server:client_id:catalog"),
            requested_token_type: Some(TOKEN_TYPE_ACCESS_TOKEN),
            parameters: &connector,
            ..KEYCLOAK
        },
        BASIC,
    );
}

#[test]
fn other_grants_are_written_byte_for_byte() {
    let client = ClientAuthentication::SecretBasic {
        id: "s6BhdRkqt3",
        secret: "gX1fBat3bV",
    };
    let own = ClientCredentialsGrant {
        resources: &[],
        audiences: &[],
        scope: None,
        parameters: &[],
    };
    form_written("rfc6749-4.4.2.http", &own.to_form(client), client);

    let assertion = JwtBearerGrant {
        assertion: "eyJn.eyJh.c2ln",
        resources: &[],
        audiences: &[],
        scope: Some("table.read"),
        parameters: &[],
    };
    form_written("keycloak-jwt-bearer.http", &assertion.to_form(BASIC), BASIC);

    let client = ClientAuthentication::SecretBasic {
        id: "trino",
        secret: "trino-secret",
    };
    let impersonation = Impersonation {
        requested_subject: "alice",
        audiences: &[],
        scope: None,
        parameters: &[],
    };
    form_written(
        "keycloak-impersonation.http",
        &impersonation.to_form(client),
        client,
    );

    written(
        "keycloak-private-key-jwt.http",
        TokenExchange {
            audiences: &["catalog".to_owned()],
            ..KEYCLOAK
        },
        ClientAuthentication::PrivateKeyJwt {
            id: "icegate-jwt",
            assertion: "eyJj.eyJs.c2ln",
        },
    );
    written(
        "entra-on-behalf-of.http",
        TokenExchange {
            words: ExchangeWords::ON_BEHALF_OF,
            scope: Some("api://catalog/.default"),
            subject_token_type: None,
            ..KEYCLOAK
        },
        POST,
    );
}

#[test]
fn no_value_leaves_its_place_in_a_request() {
    let audiences = ["catalog&audience=icegate".to_owned()];
    let resources = ["https://a.example/?x&resource=https://evil.example/".to_owned()];
    // The second would make another grant of it, and is left out.
    let parameters = [
        ("tenant".to_owned(), "../../evil\r\n\0%0d%0a é".to_owned()),
        ("grant_type".to_owned(), "client_credentials".to_owned()),
    ];
    written(
        "injection.http",
        TokenExchange {
            resources: &resources,
            audiences: &audiences,
            scope: Some("a&grant_type=client_credentials"),
            parameters: &parameters,
            ..KEYCLOAK
        },
        ClientAuthentication::SecretBasic {
            id: "ice:gate",
            secret: "a+b%41 c\r\nX: y",
        },
    );
}
