//! The guard of the catalog's answers: what would steer a client around the gate is taken out of them.
//!
//! A client of an Iceberg catalog lets the catalog configure it: `/v1/config` gives it `defaults` and `overrides`, and every
//! table comes with a `config` of its own. What stands there says where the client sends its next requests, and with which
//! credentials. A catalog that names itself (Nessie, Lakekeeper: by the `Host` header) leads its clients past the gate with
//! the caller's token in their hands; a hostile one leads them anywhere.
//!
//! [`guard`] reads an answer in place. What need not change stays as it is, byte for byte, and an answer in which nothing
//! changes goes on untouched. Only the objects below are read, whatever the depth of the rest.
//!
//! # What is read
//!
//! | answer | members |
//! |---|---|
//! | `/v1/config` | `defaults`, `overrides` |
//! | tables, views, credentials, plans | `config`, `storage-credentials[].config`, `storage-access-configs[].config` (Polaris' generic tables), `remote-signing-config.headers` |
//! | tables | `metadata.properties` as well: PyIceberg and Go hand a table's own properties to the readers of `config`, so that whoever may write a table could steer whoever reads it |
//!
//! The answer to a commit (UpdateTable) has no `config`; clients take nothing but the metadata from it, and it is not touched.
//!
//! # What becomes of a property
//!
//! Read in Iceberg Java 1.12-SNAPSHOT and 1.6 to 1.10, PyIceberg 0.12, iceberg-rust, iceberg-go, DuckDB's extension and
//! Trino, all of August 2026, and in what Nessie, Polaris and Lakekeeper send. "Own" is an address at the gate. Names are
//! compared without regard to case, because DuckDB does.
//!
//! | name | what a client does with it | decision |
//! |---|---|---|
//! | `uri` | Java, PyIceberg, Go, Rust, DuckDB: all later requests go there. In a table's config: base of signing and of fresh credentials | stays when own, else removed: the client stays where it found the gate |
//! | `prefix` | part of all paths | stays, or becomes [`Terms::prefix`], and is told to the caller, which knows the border; [`AnswerFault::Prefix`] when it cannot stand in a path |
//! | `namespace-separator` | how namespaces are written in paths | stays, and is told: the gate must read paths with the same one |
//! | `token`, `credential`, `token-*`, `urn:ietf:params:oauth:token-type:*` | Java, PyIceberg: the bearer of later requests, or what is exchanged for it, in a table's config for that table | removed |
//! | `oauth2-server-uri`, `rest.authorization-url` | where tokens are fetched, with `credential` in the form | removed, the first unless own |
//! | `scope`, `audience`, `resource` | parameters of token requests | removed |
//! | `rest.auth.*`, `rest.sigv4-enabled`, `rest.signing-*`, `rest.access-key-id`, ... | Java, PyIceberg, Go, Dremio's AuthManager: kind of authentication, class names, keys | all of `rest.*` removed, but for counts and timeouts of `rest.client` |
//! | `rest.client.proxy.*`, `rest.client.tls.*`, `rest.tls.skip-verify` | Java, Go: proxy with credentials, class that sets TLS up, no verification at all | removed |
//! | `ssl`, `auth`, `auth.*` | PyIceberg: objects with `cabundle` (also `false`), client certificates, `auth.impl` (any Python class) | removed, whatever their type |
//! | `gcp.auth.*`, `authentication.*` | Java's GoogleAuthManager, Nessie's client: credentials and endpoints | removed |
//! | `header.*` | every client: headers of every request, `Authorization` and `Host` among them; they win over the client's own | removed, but for `header.X-Iceberg-Access-Delegation` |
//! | `disable-header-redaction` | Rust: headers, and so tokens, in its log | removed |
//! | `s3.signer.uri`, `signer.uri` | base of the signer, with the caller's token | stays when own, else removed: clients fall back to `uri` |
//! | `s3.signer.endpoint`, `signer.endpoint` | path or address of the signer | stays when own or plainly below the catalog; put below the gate when it is the catalog's own path on another host; else removed |
//! | `*.refresh-credentials-endpoint`, `credentials.uri` | Java: where fresh credentials are fetched, with the caller's token | the same |
//! | `client.credentials-provider*`, `adls.token-credential-provider*` | Java: a class, and properties that win over all others in it (`client.credentials-provider.uri`) | removed |
//! | `*-impl`, `*factory` (`io-impl`, `py-io-impl`, `metrics-reporter-impl`, `client.factory`) | Java, PyIceberg: a class is loaded and gets all properties; PyIceberg calls whatever callable the name leads to | stays when it is one of the client's own (`org.apache.iceberg.`, `pyiceberg.io.`), else removed |
//! | `nessie.iceberg-base-uri` | Nessie's Spark extension: becomes `uri` when the branch changes | becomes own; removed when own is unknown |
//! | `nessie.*` | Nessie's client: `core-base-uri` and `catalog-base-uri` of APIs that the gate does not serve, authentication, TLS | removed, but for `is-nessie-catalog`, `prefix-pattern`, `default-branch.name` |
//! | `remote-signing-config.headers` | Java: headers of every request to the signer | only `X-*` that the gate would not strip stay |
//! | `s3.endpoint`, `s3.proxy-uri`, `client.region`, `gcs.service.host`, `adls.account-host`, ... | the storage | stays: the storage is the catalog's to name |
//! | `s3.access-key-id`, `s3.session-token`, `gcs.oauth2.token`, `adls.sas-token.*`, ... and `storage-credentials` | credentials for the storage | stays; removed with [`Terms::withhold_credentials`] |
//! | `s3.remote-signing-enabled`, `s3.signer`, ... | signing by the catalog | stays; removed with [`Terms::withhold_signing`] |
//! | unknown names | | removed when a word of theirs says address (unless own), authentication, proxy or TLS and they belong to no storage; else stays |
//!
//! Catalogs vend without being asked: Lakekeeper gives credentials to a request without `X-Iceberg-Access-Delegation`, or
//! signing where it has none; Nessie signs for such a request. Polaris does neither.

mod address;
mod edit;
mod fault;
mod locations;
mod names;
mod removed;
mod walk;

use serde_json::Value;

use crate::iceberg::Operation;
use crate::json::scan::Scanner;
use crate::limits;

pub use fault::AnswerFault;
pub use locations::locations;
pub use removed::{Removed, Why};

use edit::Edits;
use walk::Walk;

/// What kind of answer it is, and so which of its members are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnswerKind {
    /// CatalogConfig.
    Config,
    /// LoadTableResult, and Polaris' LoadGenericTableResponse.
    Table,
    /// LoadViewResult.
    View,
    /// LoadCredentialsResponse.
    Credentials,
    /// PlanTableScanResult and FetchPlanningResult.
    Plan,
}

/// The answers that are read, by the operation that was asked for; `None` for all others. Only of a success (2xx): errors
/// configure nobody.
pub const fn answer_kind(operation: Operation) -> Option<AnswerKind> {
    use Operation as Op;
    match operation {
        Op::GetConfig => Some(AnswerKind::Config),
        Op::LoadTable
        | Op::CreateTable
        | Op::RegisterTable
        | Op::LoadGenericTable
        | Op::CreateGenericTable => Some(AnswerKind::Table),
        Op::LoadView | Op::CreateView | Op::RegisterView | Op::ReplaceView => {
            Some(AnswerKind::View)
        }
        Op::LoadCredentials => Some(AnswerKind::Credentials),
        Op::PlanTableScan | Op::FetchPlanningResult => Some(AnswerKind::Plan),
        _ => None,
    }
}

/// What an answer may say to this caller.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The address at which clients reach this catalog through the gate: `https://gate.example.com/iceberg`. Unknown:
    /// no absolute address is taken for the gate's.
    pub own_url: Option<&'a str>,
    /// The path below which the catalog's addresses stand: `/iceberg`, or nothing.
    pub base_path: &'a str,
    /// The caller may not have credentials for the storage.
    pub withhold_credentials: bool,
    /// The caller may not have requests to the storage signed.
    pub withhold_signing: bool,
    /// The prefix that clients must use, as it stands in paths; takes the place of the catalog's.
    pub prefix: Option<&'a str>,
}

/// An answer that may be handed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guarded {
    /// The changed body; `None` when nothing changes and the bytes go on as they are.
    pub body: Option<Vec<u8>>,
    /// What was taken out.
    pub removed: Removed,
    /// The prefix that clients will use, as it stands in paths; of `/v1/config` only. It may be empty. `overrides` beat
    /// `defaults`.
    pub prefix: Option<String>,
    /// The separator of namespaces that clients will use; of `/v1/config` only.
    pub namespace_separator: Option<String>,
}

/// Takes out of an answer what would steer the client around the gate, or give it what it may not have. See the module for
/// what that is. Guarding what was guarded changes nothing.
///
/// # Errors
///
/// An answer that cannot be read for certain. The client must not get it: for a read that is an error, for a write see
/// [`applied_note`].
pub fn guard(kind: AnswerKind, body: &[u8], terms: &Terms<'_>) -> Result<Guarded, AnswerFault> {
    if body.len() > limits::GUARDED_ANSWER_BYTES {
        return Err(AnswerFault::TooLarge);
    }
    let mut walk = Walk {
        scanner: Scanner::new(body)?,
        terms,
        edits: Edits::default(),
        removed: Removed::default(),
        prefix: None,
        separator: None,
    };
    walk.answer(kind)?;
    Ok(Guarded {
        body: walk.edits.apply(walk.scanner.text()),
        removed: walk.removed,
        prefix: walk.prefix,
        namespace_separator: walk.separator,
    })
}

/// The prefix that a `/v1/config` answer gives; see [`Guarded::prefix`].
///
/// # Errors
///
/// The answer cannot be read for certain.
pub fn prefix(body: &[u8]) -> Result<Option<String>, AnswerFault> {
    let terms = Terms {
        own_url: None,
        base_path: "",
        withhold_credentials: false,
        withhold_signing: false,
        prefix: None,
    };
    Ok(guard(AnswerKind::Config, body, &terms)?.prefix)
}

/// Whether an answer with this `content-encoding` can be read: none, or `identity` (RFC 9110 section 8.4).
///
/// # Errors
///
/// [`AnswerFault::Encoded`].
pub fn check_encoding(content_encoding: Option<&[u8]>) -> Result<(), AnswerFault> {
    match content_encoding.map(<[u8]>::trim_ascii) {
        None | Some(b"") => Ok(()),
        Some(encoding) if encoding.eq_ignore_ascii_case(b"identity") => Ok(()),
        Some(_) => Err(AnswerFault::Encoded),
    }
}

/// The body in place of an unreadable answer to a write. The status stays the catalog's 2xx, because the change was made:
/// an error would make people and engines do it again, and a 5xx is an unknown state to them.
///
/// `metadata` is a text, and not the object that it must be, so that clients show it as what they could not read; a view
/// must have a `metadata-location` before. Seen: Java 1.11 ends with `IllegalArgumentException: Cannot parse metadata from a
/// non-object: "done, ..."`, which it neither retries nor takes for `CommitStateUnknownException`; PyIceberg 0.12 ends with
/// a `ValidationError` that shows the first and the last 24 characters of the text.
pub fn applied_note(reference: &str) -> Vec<u8> {
    let text = [
        "done, do not repeat it: the gate could not read the catalog's answer (ref ",
        reference,
        ")",
    ];
    let mut body = b"{\"metadata-location\":\"\",\"metadata\":".to_vec();
    body.extend(Value::from(text.concat()).to_string().into_bytes());
    body.push(b'}');
    body
}
