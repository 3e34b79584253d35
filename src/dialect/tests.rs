use super::errors::Description;
use super::*;

fn grants(dialect: &'static Dialect) -> Vec<ErrorTable> {
    let word = &dialect.engines_word;
    let words = [&word.assertion, &word.impersonation].into_iter().flatten();
    [dialect.exchange.errors, dialect.client_credentials.errors]
        .into_iter()
        .chain(words.map(|word| word.errors))
        .collect()
}

#[test]
fn every_profile_has_a_name_of_its_own() {
    for profile in Profile::ALL {
        let name = profile.dialect().name;
        assert_eq!(Profile::from_name(name), Some(profile));
        assert_eq!(Profile::from_name(&name.to_uppercase()), None);
    }
}

/// The loader takes it where nothing is said, and so does Envoy's credential injector.
#[test]
fn every_server_takes_http_basic() {
    for profile in Profile::ALL {
        let methods = profile.dialect().client.methods;
        assert_eq!(methods.first(), Some(&ClientMethod::SecretBasic));
    }
}

/// A row that another one hides would never be met. Those of the lists that all share may be hidden by a server's own.
#[test]
fn no_row_of_a_server_hides_another_of_its_own() {
    let shared = [
        errors::COMMON,
        errors::EXCHANGE,
        errors::OWN_ACCOUNT,
        errors::WITHOUT_TOKEN,
    ];
    for profile in Profile::ALL {
        for table in grants(profile.dialect()) {
            for row in table
                .iter()
                .filter(|list| !shared.contains(list))
                .copied()
                .flatten()
            {
                let description = match row.description {
                    Description::Any => "",
                    Description::Is(text) | Description::Starts(text) => text,
                };
                let status = row.status.unwrap_or(400);
                let mut rows = table.iter().copied().flatten();
                let found = rows.find(|other| other.is_about(status, row.error, description));
                assert_eq!(found, Some(row), "{profile:?}");
            }
        }
    }
}

/// Whatever a server says of its own, these are always about the gate, and no description makes them about a caller.
#[test]
fn our_own_client_is_never_the_callers_fault() {
    for profile in Profile::ALL {
        for table in grants(profile.dialect()) {
            for error in ["invalid_client", "unauthorized_client"] {
                for (status, description) in
                    [(401, ""), (400, "Invalid token"), (403, "User not found")]
                {
                    assert_eq!(
                        meaning(table, status, error, description),
                        Some(Meaning::ClientRefused),
                        "{profile:?} {error} {status}"
                    );
                }
            }
            assert_eq!(meaning(table, 400, "unheard_of", "Invalid token"), None);
            assert_eq!(meaning(table, 400, "Invalid_Grant", ""), None);
        }
    }
}

/// Without a caller's token nothing is a caller's fault that a fresh token would mend.
#[test]
fn where_no_token_is_sent_none_is_refused() {
    for profile in Profile::ALL {
        let dialect = profile.dialect();
        let word = &dialect.engines_word;
        let words = [&word.assertion, &word.impersonation].into_iter().flatten();
        let own = words
            .map(|word| word.errors)
            .chain([dialect.client_credentials.errors]);
        for row in own.flatten().copied().flatten() {
            assert_ne!(row.meaning, Meaning::CallerRefused, "{profile:?} {row:?}");
        }
    }
}

#[test]
fn the_forms_of_one_issuer_are_for_one_tenant() {
    let forms = Profile::Entra.dialect().tokens.issuer;
    let v2 = "https://login.microsoftonline.com/72f988bf/v2.0";
    for (iss, same) in [
        (v2, true),
        ("https://sts.windows.net/72f988bf/", true),
        ("https://sts.windows.net/72f988bf", false),
        ("https://sts.windows.net/72f988bg/", false),
        ("https://sts.windows.net//", false),
        ("https://sts.windows.net/72f988bf/x/", false),
        ("https://login.microsoftonline.com/72f988bf/", false),
        ("https://evil.example/72f988bf/v2.0", false),
        ("", false),
    ] {
        assert_eq!(forms.are_one(v2, iss), same, "{iss}");
    }
    // A cloud whose forms are not known has the one that is configured.
    let other = "https://login.partner.microsoftonline.cn/72f988bf/v2.0";
    assert!(forms.are_one(other, other));
    assert!(!forms.are_one(other, "https://sts.windows.net/72f988bf/"));
    for profile in [
        Profile::Keycloak,
        Profile::Rfc8693,
        Profile::Okta,
        Profile::Auth0,
    ] {
        let forms = profile.dialect().tokens.issuer;
        assert!(forms.are_one("https://a.example/", "https://a.example/"));
        assert!(!forms.are_one("https://a.example/", "https://a.example"));
    }
}

/// What stands in `Err` and in the parameters is read by people, in the middle of a sentence.
#[test]
fn reasons_continue_a_sentence() {
    for profile in Profile::ALL {
        let dialect = profile.dialect();
        let word = &dialect.engines_word;
        let whys = [&word.assertion, &word.impersonation]
            .into_iter()
            .filter_map(|way| way.as_ref().err().copied());
        let targets = [dialect.exchange.targets, dialect.client_credentials.targets];
        let parameters = targets
            .iter()
            .flat_map(|targets| [targets.audience, targets.resource, targets.scope]);
        let parameters = parameters.chain([dialect.exchange.requested_token_type]);
        let of_parameters = parameters.filter_map(|parameter| match parameter {
            Parameter::Optional => None,
            Parameter::Required(why) | Parameter::Never(why) => Some(why),
        });
        for why in whys
            .chain(of_parameters)
            .chain(dialect.exchange.actor_token.err())
        {
            assert!(
                !why.is_empty() && !why.ends_with('.') && !why.contains("  "),
                "{why}"
            );
        }
    }
}
