//! How a client of the gate's own token endpoint proves itself (RFC 6749 section 2.3.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::bearer::{BearerFault, bearer};
use super::form::Form;
use super::token_request::TokenRequestFault as Fault;
use crate::limits::{CLIENT_ID_BYTES, CLIENT_SECRET_BYTES};
use crate::secret::Secret;
use crate::wire::Authorization;

const BASIC: &str = "basic";

/// A client's name and secret, as it sent them; whether they are right, the identity provider knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientLogin {
    /// `client_id`: not empty, no control characters.
    pub id: String,
    /// `client_secret`: not empty, no control characters.
    pub secret: Secret<String>,
    /// They came as HTTP Basic and not in the form.
    pub by_basic: bool,
}

/// What the `Authorization` of a token request holds.
pub(super) enum Credential<'a> {
    None,
    Bearer(&'a str),
    Basic(ClientLogin),
}

impl<'a> Credential<'a> {
    pub(super) fn read(authorization: Authorization<'a>) -> Result<Self, Fault> {
        let value = match authorization {
            Authorization::Missing => return Ok(Self::None),
            Authorization::Several => return Err(Fault::SeveralAuthorizations),
            Authorization::One(value) => value,
        };
        match bearer(Some(value)) {
            Ok(token) => Ok(Self::Bearer(token)),
            Err(BearerFault::Missing) => Ok(Self::None),
            Err(BearerFault::Several) => Err(Fault::SeveralAuthorizations),
            Err(BearerFault::OtherScheme) => basic(value).map(Self::Basic),
            Err(BearerFault::Empty | BearerFault::Malformed | BearerFault::TooLong) => {
                Err(Fault::Authorization)
            }
        }
    }
}

impl ClientLogin {
    /// The one client authentication of a request, if it has any.
    ///
    /// A `client_id` in the form beside HTTP Basic may repeat it, since some clients always send it.
    pub(super) fn read(form: &Form, credential: &Credential<'_>) -> Result<Option<Self>, Fault> {
        if ["client_assertion", "client_assertion_type"]
            .into_iter()
            .any(|name| form.one(name).is_some())
        {
            return Err(Fault::ClientAssertion);
        }
        match (credential, form.one("client_id"), form.one("client_secret")) {
            (Credential::Basic(login), None, None) => Ok(Some(login.clone())),
            (Credential::Basic(login), Some(id), None) if id == login.id => Ok(Some(login.clone())),
            (Credential::Basic(_), Some(_), None) => Err(Fault::OtherClientId),
            (Credential::Basic(_), _, Some(_)) => Err(Fault::TwoClients),
            (_, Some(id), Some(secret)) => Self::new(id, secret, false).map(Some),
            (_, None, Some(_)) => Err(Fault::NoClientId),
            (_, Some(_), None) => Err(Fault::NoClientSecret),
            (_, None, None) => Ok(None),
        }
    }

    fn new(id: &str, secret: &str, by_basic: bool) -> Result<Self, Fault> {
        if id.is_empty() {
            return Err(Fault::NoClientId);
        }
        if secret.is_empty() {
            return Err(Fault::NoClientSecret);
        }
        if id.len() > CLIENT_ID_BYTES {
            return Err(Fault::ClientTooLong("client_id"));
        }
        if secret.len() > CLIENT_SECRET_BYTES {
            return Err(Fault::ClientTooLong("client_secret"));
        }
        Ok(Self {
            id: id.to_owned(),
            secret: Secret::new(secret.to_owned()),
            by_basic,
        })
    }
}

/// HTTP Basic (RFC 7617): scheme, one space, base64 of `id:secret`, split at the first colon.
///
/// Both parts are taken as they are. RFC 6749 section 2.3.1 says that they are form-encoded first, but no Iceberg
/// client does so (Iceberg Java, PyIceberg, DuckDB): whoever decoded would refuse their secrets with `%`, and read
/// those with `+` as others.
fn basic(value: &[u8]) -> Result<ClientLogin, Fault> {
    let value = str::from_utf8(value).map_err(|_| Fault::Authorization)?;
    let (scheme, encoded) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case(BASIC) {
        return Err(Fault::OtherScheme);
    }
    if encoded.contains(',') {
        return Err(Fault::SeveralAuthorizations);
    }
    let pair = STANDARD.decode(encoded).map_err(|_| Fault::Basic)?;
    let pair = str::from_utf8(&pair).map_err(|_| Fault::Basic)?;
    let (id, secret) = pair.split_once(':').ok_or(Fault::Basic)?;
    if pair.contains(char::is_control) {
        return Err(Fault::Basic);
    }
    ClientLogin::new(id, secret, true)
}
