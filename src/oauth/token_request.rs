//! What a client sends to the gate's token endpoint, `POST {base}/v1/oauth/tokens`: a client credentials request
//! (RFC 6749 section 4.4) or a token exchange (RFC 8693 section 2.1), as Iceberg clients make them.

mod fault;
#[cfg(test)]
mod tests;

pub use fault::TokenRequestFault;

use super::bearer::is_token68;
use super::client_login::{ClientLogin, Credential};
use super::form::Form;
use super::{
    GRANT_TYPE_TOKEN_EXCHANGE, TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_ID_TOKEN, TOKEN_TYPE_JWT,
};
use crate::limits::{SCOPE_BYTES, TOKEN_BYTES};
use crate::secret::Secret;
use crate::wire::Authorization;
use TokenRequestFault as Fault;

/// A token request, read but not yet believed: no secret of it was asked for and no token verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRequest {
    /// A program asks for a token of its own.
    ClientCredentials(ClientCredentials),
    /// A token is given for another one.
    Exchange(Exchange),
}

/// `grant_type=client_credentials` (RFC 6749 section 4.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCredentials {
    /// Who asks.
    pub login: ClientLogin,
    /// `scope`: names with spaces between them (RFC 6749 section 3.3).
    pub scope: Option<String>,
    /// `audience`.
    pub audiences: Vec<String>,
    /// `resource` (RFC 8707).
    pub resources: Vec<String>,
}

/// `grant_type=urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693 section 2.1), for an access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// `subject_token`: a token68 of at most [`TOKEN_BYTES`]. It may be unsecured.
    pub subject_token: Secret<String>,
    /// `subject_token_type`.
    pub subject_token_type: SubjectTokenType,
    /// `actor_token`, an access token: a token68 of at most [`TOKEN_BYTES`].
    pub actor_token: Option<Secret<String>>,
    /// How the client proves itself. [`Proof::Actor`] exactly when there is an actor.
    pub proof: Proof,
    /// `scope`: names with spaces between them (RFC 6749 section 3.3).
    pub scope: Option<String>,
    /// `audience`.
    pub audiences: Vec<String>,
    /// `resource` (RFC 8707).
    pub resources: Vec<String>,
}

/// The types of subject tokens that are taken (RFC 8693 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubjectTokenType {
    /// `urn:ietf:params:oauth:token-type:access_token`
    AccessToken,
    /// `urn:ietf:params:oauth:token-type:id_token`
    IdToken,
    /// `urn:ietf:params:oauth:token-type:jwt`
    Jwt,
}

/// How the client of an exchange proves itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// `Authorization: Bearer` with the actor token: an engine that speaks for somebody.
    Actor,
    /// `Authorization: Bearer` with the subject token itself, and no actor: a refresh.
    Subject,
    /// HTTP Basic, or `client_id` and `client_secret` in the form, and no actor: a refresh of a token that expired.
    Login(ClientLogin),
}

impl TokenRequest {
    /// Reads the headers `content-type` and `authorization` and the body of a POST.
    ///
    /// A bearer token beside client credentials is not looked at: Iceberg Java sends its parent's for a contextual
    /// `credential`, PyIceberg its own, which has expired, when it asks again.
    pub fn read(
        content_type: Option<&[u8]>,
        authorization: Authorization<'_>,
        body: &[u8],
    ) -> Result<Self, Fault> {
        if !content_type.is_some_and(is_form) {
            return Err(Fault::ContentType);
        }
        let form = Form::read(body)?;
        let credential = Credential::read(authorization)?;
        match form.one("grant_type") {
            None => Err(Fault::Missing("grant_type")),
            Some("client_credentials") => {
                ClientCredentials::read(&form, &credential).map(Self::ClientCredentials)
            }
            Some(GRANT_TYPE_TOKEN_EXCHANGE) => {
                Exchange::read(&form, &credential).map(Self::Exchange)
            }
            Some(_) => Err(Fault::GrantType),
        }
    }
}

impl ClientCredentials {
    fn read(form: &Form, credential: &Credential<'_>) -> Result<Self, Fault> {
        Ok(Self {
            login: ClientLogin::read(form, credential)?.ok_or(Fault::NoClient)?,
            scope: scope(form)?,
            audiences: strings(form, "audience"),
            resources: strings(form, "resource"),
        })
    }
}

impl Exchange {
    fn read(form: &Form, credential: &Credential<'_>) -> Result<Self, Fault> {
        let subject_token = token(form, "subject_token")?.ok_or(Fault::Missing("subject_token"))?;
        let subject_token_type = match form.one("subject_token_type") {
            Some(name) => SubjectTokenType::from_name(name).ok_or(Fault::SubjectTokenType)?,
            None => return Err(Fault::Missing("subject_token_type")),
        };
        let actor_token = token(form, "actor_token")?;
        match (actor_token, form.one("actor_token_type")) {
            (Some(_), Some(TOKEN_TYPE_ACCESS_TOKEN)) | (None, None) => {}
            (Some(_), Some(_)) => return Err(Fault::ActorTokenType),
            (Some(_), None) => return Err(Fault::Missing("actor_token_type")),
            (None, Some(_)) => return Err(Fault::Missing("actor_token")),
        }
        if !matches!(
            form.one("requested_token_type"),
            None | Some(TOKEN_TYPE_ACCESS_TOKEN)
        ) {
            return Err(Fault::RequestedTokenType);
        }
        let login = ClientLogin::read(form, credential)?;
        let secret = |token: &str| Secret::new(token.to_owned());
        Ok(Self {
            proof: Proof::of(subject_token, actor_token, credential, login)?,
            subject_token: secret(subject_token),
            subject_token_type,
            actor_token: actor_token.map(secret),
            scope: scope(form)?,
            audiences: strings(form, "audience"),
            resources: strings(form, "resource"),
        })
    }
}

impl SubjectTokenType {
    /// The identifier on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => TOKEN_TYPE_ACCESS_TOKEN,
            Self::IdToken => TOKEN_TYPE_ID_TOKEN,
            Self::Jwt => TOKEN_TYPE_JWT,
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::AccessToken, Self::IdToken, Self::Jwt]
            .into_iter()
            .find(|known| known.as_str() == name)
    }
}

impl Proof {
    fn of(
        subject: &str,
        actor: Option<&str>,
        credential: &Credential<'_>,
        login: Option<ClientLogin>,
    ) -> Result<Self, Fault> {
        match (credential, login) {
            (Credential::Bearer(_), Some(_)) => Err(Fault::TwoClients),
            (Credential::Bearer(token), None) => match actor {
                Some(actor) if actor == *token => Ok(Self::Actor),
                Some(_) => Err(Fault::NotTheActor),
                None if subject == *token => Ok(Self::Subject),
                None => Err(Fault::NotTheSubject),
            },
            _ if actor.is_some() => Err(Fault::NotTheActor),
            (_, Some(login)) => Ok(Self::Login(login)),
            (_, None) => Err(Fault::NoClient),
        }
    }
}

/// `application/x-www-form-urlencoded`, with parameters or without; a `charset` says UTF-8 (RFC 9110 section 8.3.1).
fn is_form(content_type: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(content_type) else {
        return false;
    };
    let blank = |character: char| matches!(character, ' ' | '\t');
    let mut parts = text.split(';').map(|part| part.trim_matches(blank));
    let essence = parts.next().unwrap_or_default();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        && parts.all(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            !name.trim_matches(blank).eq_ignore_ascii_case("charset")
                || ["utf-8", "\"utf-8\""]
                    .into_iter()
                    .any(|utf8| value.eq_ignore_ascii_case(utf8))
        })
}

/// RFC 6749 section 3.3.
fn scope(form: &Form) -> Result<Option<String>, Fault> {
    let Some(scope) = form.one("scope") else {
        return Ok(None);
    };
    let written = scope
        .bytes()
        .all(|byte| matches!(byte, 0x20..=0x7e) && !matches!(byte, b'"' | b'\\'));
    let spaced = scope.split(' ').all(|name| !name.is_empty());
    if scope.len() > SCOPE_BYTES || !written || !spaced {
        return Err(Fault::Scope);
    }
    Ok(Some(scope.to_owned()))
}

fn token<'a>(form: &'a Form, name: &'static str) -> Result<Option<&'a str>, Fault> {
    match form.one(name) {
        Some(token) if token.len() > TOKEN_BYTES => Err(Fault::TokenTooLong(name)),
        Some(token) if !is_token68(token.as_bytes()) => Err(Fault::NoToken(name)),
        token => Ok(token),
    }
}

fn strings(form: &Form, name: &str) -> Vec<String> {
    form.all(name).map(str::to_owned).collect()
}
