//! What the name of a property means to the clients, and so what becomes of the property.
//!
//! Two kinds of rules. What the clients of today know is listed: single names, and families that are closed but for the
//! names that are known to be harmless. What they may know tomorrow is recognised by the words of its name: outside of the
//! families of the storage, an address, a credential or a rule for connections is not for the catalog to say.
//!
//! Java and Python compare names exactly, DuckDB without regard to case: here case never counts.

use super::{Terms, Why};

/// What becomes of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// It stays.
    Pass,
    /// It goes.
    Remove(Why),
    /// A base address: stays when it is the gate's.
    Base,
    /// A base address that its readers cannot do without: becomes the gate's.
    NeededBase,
    /// The address of something below the catalog: stays, or is put below the gate's.
    Endpoint,
    /// A class or module that the client loads: stays when it is one of the client's own.
    Code,
    /// The prefix of all paths.
    Prefix,
    /// What stands between the levels of a namespace in a path.
    Separator,
}

/// Who set a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    /// Where the catalog speaks to the client.
    Catalog,
    /// A property of the table itself, which whoever may write the table has set. PyIceberg and Go hand these to the
    /// same readers as the catalog's. Only what those readers follow is looked at: the rest is people's own.
    Table,
}

use Rule::{Base, Code, Endpoint, NeededBase, Pass, Prefix, Remove, Separator};
use Why::{Address, Authentication, Connection, Credentials, Header, Signing};

/// Single names.
const NAMES: &[(&str, Rule)] = &[
    ("audience", Remove(Authentication)),
    ("auth", Remove(Authentication)),
    ("credentials.uri", Endpoint),
    ("disable-header-redaction", Remove(Authentication)),
    ("header.x-iceberg-access-delegation", Pass),
    ("namespace-separator", Separator),
    ("nessie.default-branch.name", Pass),
    ("nessie.iceberg-base-uri", NeededBase),
    ("nessie.is-nessie-catalog", Pass),
    ("nessie.prefix-pattern", Pass),
    ("prefix", Prefix),
    ("resource", Remove(Authentication)),
    ("rest.client.connection-timeout-ms", Pass),
    ("rest.client.connections-per-route", Pass),
    ("rest.client.max-connections", Pass),
    ("rest.client.max-retries", Pass),
    ("rest.client.socket-timeout-ms", Pass),
    ("rest.client.user-agent", Pass),
    ("rest.metrics-reporting-enabled", Pass),
    ("s3.signer", Pass),
    ("s3.signer.endpoint", Endpoint),
    ("s3.signer.uri", Base),
    ("scope", Remove(Authentication)),
    ("signer.endpoint", Endpoint),
    ("signer.uri", Base),
    ("uri", Base),
];

/// Families: what begins so and is not one of [`NAMES`].
const FAMILIES: &[(&str, Rule)] = &[
    ("adls.token-credential-provider", Remove(Why::Code)),
    ("auth.", Remove(Authentication)),
    ("client.credentials-provider", Remove(Why::Code)),
    ("gcp.auth.", Remove(Authentication)),
    ("header.", Remove(Header)),
    ("nessie.", Remove(Address)),
    ("rest.auth", Remove(Authentication)),
    ("rest.client.proxy", Remove(Connection)),
    ("rest.client.tls", Remove(Connection)),
    ("rest.tls", Remove(Connection)),
    ("rest.", Remove(Authentication)),
    ("s3.signer.", Remove(Address)),
    ("signer.", Remove(Address)),
    ("urn:", Remove(Authentication)),
];

/// First words of the names of the storage's properties: its addresses and credentials are the catalog's to give.
const STORAGE: &[&str] = &[
    "abfs",
    "abfss",
    "adls",
    "azure",
    "client",
    "cos",
    "dynamodb",
    "ecs",
    "encryption",
    "fs",
    "gcs",
    "glue",
    "gs",
    "hdfs",
    "hf",
    "http",
    "kms",
    "lakeformation",
    "obs",
    "oss",
    "s3",
    "s3a",
    "tos",
    "wasb",
    "wasbs",
];

/// Words that make an address one of the catalog's, also in a family of the storage.
const OF_THE_CATALOG: &[&str] = &[
    "auth",
    "authorization",
    "catalog",
    "credential",
    "credentials",
    "issuer",
    "oauth",
    "oauth2",
    "refresh",
    "rest",
    "sign",
    "signer",
    "signing",
    "token",
];

const AUTHENTICATION: &[&str] = &[
    "apikey",
    "auth",
    "authentication",
    "authorization",
    "bearer",
    "credential",
    "credentials",
    "jwt",
    "oauth",
    "oauth2",
    "oidc",
    "passwd",
    "password",
    "secret",
    "token",
    "tokens",
    "username",
];

const CONNECTION: &[&str] = &[
    "cabundle",
    "cert",
    "certificate",
    "certificates",
    "keystore",
    "proxy",
    "sni",
    "socks",
    "ssl",
    "tls",
    "truststore",
];

/// Words of the storage's credentials.
const SECRETS: &[&str] = &[
    "credential",
    "credentials",
    "jsonkey",
    "keyfile",
    "keypath",
    "password",
    "sas",
    "secret",
    "token",
    "tokens",
];

/// And such of two words.
const SECRET_PAIRS: &[&str] = &[
    "access-key",
    "access.key",
    "account-key",
    "account.key",
    "connection-string",
    "shared-key",
];

/// Properties of a table that its readers follow.
const OF_A_TABLE: &[(&str, Rule)] = &[
    ("auth.manager", Remove(Authentication)),
    ("py-io-impl", Code),
    ("s3.signer.endpoint", Endpoint),
    ("s3.signer.uri", Base),
    ("signer.endpoint", Endpoint),
    ("signer.uri", Base),
    ("token", Remove(Authentication)),
    ("uri", Base),
];

/// What becomes of the property of this name.
pub(super) fn rule(name: &str, speaker: Speaker, terms: &Terms<'_>) -> Rule {
    let name = &*name.to_ascii_lowercase();
    match speaker {
        Speaker::Table => exactly(name, OF_A_TABLE).unwrap_or(match name.starts_with("header.") {
            true => Remove(Header),
            false => Pass,
        }),
        Speaker::Catalog => withheld(name, terms)
            .or_else(|| exactly(name, NAMES))
            .or_else(|| family(name))
            .unwrap_or_else(|| by_its_words(name)),
    }
}

/// Whether a class or module may be loaded: those that come with the client, in the places where it keeps such things.
/// PyIceberg calls whatever the value names.
pub(super) fn may_load(value: &str) -> bool {
    ["org.apache.iceberg.", "pyiceberg.io."]
        .iter()
        .any(|own| value.starts_with(own))
}

fn exactly(name: &str, names: &[(&str, Rule)]) -> Option<Rule> {
    names
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, rule)| *rule)
}

fn family(name: &str) -> Option<Rule> {
    FAMILIES
        .iter()
        .find(|(begin, _)| name.starts_with(begin))
        .map(|(_, rule)| *rule)
}

fn withheld(name: &str, terms: &Terms<'_>) -> Option<Rule> {
    if terms.withhold_signing && words(name).any(|word| word == "signer" || word == "signing") {
        return Some(Remove(Signing));
    }
    let secret = || {
        words(name).any(|word| SECRETS.contains(&word))
            || SECRET_PAIRS.iter().any(|pair| name.contains(pair))
    };
    (terms.withhold_credentials && of_storage(name) && secret()).then_some(Remove(Credentials))
}

fn by_its_words(name: &str) -> Rule {
    let has = |list: &[&str]| words(name).any(|word| list.contains(&word));
    let storage = of_storage(name);
    match words(name).last() {
        Some("impl" | "factory" | "class") => return Code,
        _ if storage && !has(OF_THE_CATALOG) => return Pass,
        Some("endpoint" | "endpoints") => return Endpoint,
        Some("uri" | "uris" | "url" | "urls" | "host" | "hostname" | "address" | "authority") => {
            return Base;
        }
        _ if storage => return Pass,
        _ => {}
    }
    if has(CONNECTION) {
        Remove(Connection)
    } else if has(AUTHENTICATION) {
        Remove(Authentication)
    } else {
        Pass
    }
}

fn of_storage(name: &str) -> bool {
    words(name)
        .next()
        .is_some_and(|first| STORAGE.contains(&first))
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(['.', '-', '_', ':', '/', ' '])
}
