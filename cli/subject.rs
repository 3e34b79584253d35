//! Who is said to call: a token, or claims in the form of one.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use icegate::clock::UnixTime;
use icegate::config::Config;
use icegate::json::{self, Value};
use icegate::secret::Secret;
use serde_json::json;

use crate::input;

/// What the request carries.
pub(crate) struct Subject {
    /// `Authorization`.
    pub(crate) authorization: Secret<String>,
    /// The claims that were filled in.
    pub(crate) assumed: Vec<&'static str>,
}

/// A token from a file, with or without `Bearer` before it.
pub(crate) fn of_token(file: &str) -> Result<Subject, String> {
    // The name is not repeated: who takes the option for the token itself would see it here.
    let bytes = input::file_or_stdin(file).map_err(|error| {
        format!(
            "--token: the file cannot be read (it names a file, or - for standard input): {error}"
        )
    })?;
    let text = String::from_utf8(bytes).map_err(|_| "--token: the file is not UTF-8")?;
    let token = text.trim();
    let token = token.strip_prefix("Bearer ").unwrap_or(token).trim();
    Ok(Subject {
        authorization: Secret::new(format!("Bearer {token}")),
        assumed: Vec::new(),
    })
}

/// Claims from a file, in the form of a token without a good signature. What people leave out when they write
/// claims by hand is filled in.
pub(crate) fn of_claims(file: &str, config: &Config, now: UnixTime) -> Result<Subject, String> {
    let bytes = input::file_or_stdin(file)
        .map_err(|error| format!("--claims: the file cannot be read: {error}"))?;
    let mut claims =
        json::parse_object(&bytes).map_err(|fault| format!("--claims: the file {fault}"))?;
    let iss = claims.get("iss").and_then(Value::as_str);
    let issuer = config
        .issuers
        .iter()
        .find(|issuer| Some(&*issuer.issuer) == iss);
    let mut assumed = Vec::new();
    let audience = issuer.and_then(|issuer| issuer.audiences.first());
    if let Some(audience) = audience.filter(|_| !claims.contains_key("aud")) {
        assumed.push("aud");
        claims.insert("aud".to_owned(), Value::from(audience.as_str()));
    }
    if !claims.contains_key("exp") {
        assumed.push("exp");
        let soon = now.plus(Duration::from_secs(300)).as_secs();
        claims.insert("exp".to_owned(), Value::from(soon));
    }
    let algorithm = issuer.and_then(|issuer| issuer.algorithms.first());
    let mut header = json!({ "alg": algorithm.map_or("RS256", |algorithm| algorithm.name()) });
    let token_type = issuer.and_then(|issuer| issuer.token_types.first());
    if let (Some(kind), Some(header)) = (token_type, header.as_object_mut())
        && !kind.is_empty()
    {
        header.insert("typ".to_owned(), Value::from(kind.as_str()));
    }
    let part = |value: String| URL_SAFE_NO_PAD.encode(value);
    let token = format!(
        "{}.{}.AA",
        part(header.to_string()),
        part(Value::Object(claims).to_string())
    );
    Ok(Subject {
        authorization: Secret::new(format!("Bearer {token}")),
        assumed,
    })
}
