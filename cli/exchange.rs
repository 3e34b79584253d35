//! How the token for a request is got; no secret.

use icegate::config::{ClientAuthentication, Config, ContextId, Grant, TokenRule};
use icegate::text::shown;

use crate::page::Page;
use crate::show::{self, MOST};

/// What the gate asks for, and where.
pub(crate) fn show(page: &mut Page, config: &Config, context: Option<ContextId>) {
    let Some(context) = context.and_then(|id| config.context(id)) else {
        return;
    };
    let rule = &context.token;
    let Some(issuer) = config.issuers.get(usize::from(rule.at.0)) else {
        return;
    };
    let endpoint = match &issuer.token_path {
        Some(path) => format!("token endpoint {path}"),
        None => "the token endpoint of its metadata".to_owned(),
    };
    page.line(
        "exchange",
        format!("at {} ({}), {endpoint}", issuer.name, issuer.issuer),
    );
    if let Some(client) = config.client(context) {
        let how = match &client.authentication {
            ClientAuthentication::SecretBasic(_) => "client_secret_basic",
            ClientAuthentication::SecretPost(_) => "client_secret_post",
            ClientAuthentication::PrivateKeyJwt { .. } => "private_key_jwt",
            ClientAuthentication::TlsClientAuth => {
                "tls_client_auth, the certificate of the cluster"
            }
            ClientAuthentication::Injected => "by Envoy's credential injector",
        };
        let cluster = &client.endpoint.cluster;
        page.line(
            "exchange",
            format!("client {} ({how}), through cluster {cluster}", client.id),
        );
    }
    if context.grant == Grant::ClientCredentials {
        page.line(
            "exchange",
            "for the client's own account (client_credentials): the caller's token is not sent",
        );
    }
    for (name, value) in parameters(rule, context.grant) {
        page.line("exchange", format!("{name}: {}", shown(value)));
    }
    page.line(
        "exchange",
        format!(
            "the token must name audience {}",
            shown(&rule.expected_audience)
        ),
    );
    if let Some((claim, values)) = &rule.never_as {
        let never = show::list(values, MOST);
        page.line(
            "exchange",
            format!("and must not have in {}: {never}", show::claim(claim)),
        );
    }
}

/// The parameters that the configuration gives, in the order of the request.
fn parameters(rule: &TokenRule, grant: Grant) -> impl Iterator<Item = (&str, &str)> {
    let scope = rule.scope.as_deref().map(|value| ("scope", value));
    let requested = rule.requested_token_type.as_deref();
    let requested = requested.filter(|_| grant == Grant::Exchange);
    let requested = requested.map(|value| ("requested_token_type", value));
    let audiences = rule
        .audiences
        .iter()
        .map(|value| ("audience", value.as_str()));
    let resources = rule
        .resources
        .iter()
        .map(|value| ("resource", value.as_str()));
    let further = rule
        .parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    audiences
        .chain(resources)
        .chain(scope)
        .chain(requested)
        .chain(further)
}
