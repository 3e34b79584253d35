//! How programs are known, so that no person and no other program is taken for one.

use std::collections::BTreeMap;

use super::services::SERVICES;
use super::surroundings::Surroundings;
use super::who::Implied;
use crate::config::fault::{Faults, Path};
use crate::config::file::{ServiceWhoBlock, WhoBlock};
use crate::config::model::{ClaimPath, IssuerId, WhoId};

/// The programs that are known by a condition.
#[derive(Default)]
pub(super) struct Known<'a>(BTreeMap<WhoId, Vec<Program<'a>>>);

/// A program by its name, and the client that its tokens are issued to, where that is written.
#[derive(Clone, Copy)]
struct Program<'a> {
    name: &'a str,
    client: Option<&'a str>,
}

impl<'a> Known<'a> {
    /// Checks how the program of that name is known; gives its issuer, and its conditions, sorted.
    pub(super) fn add(
        &mut self,
        name: &'a str,
        block: &'a ServiceWhoBlock,
        path: Path<'_>,
        around: &mut Surroundings<'_>,
        faults: &mut Faults,
    ) -> Option<(IssuerId, Box<[WhoId]>)> {
        if let (Some(None), Some(None), Some(None), Some(Some(_))) =
            (&block.claim, &block.has, &block.sub, &block.azp)
        {
            return faults.refuse(
                path,
                "must have sub, or claim and has, beside azp; the client alone also stands in the tokens of people who log \
                 in through it",
            );
        }
        if let Some(Some(claim)) = &block.claim
            && is_about_the_client(claim)
        {
            return faults.refuse(
                path.member("claim"),
                "also stands in the tokens of people who log in through that client; name what only the program's own \
                 token has: the sub of its service account, or a claim that says as much",
            );
        }
        let condition = WhoBlock {
            issuer: block.issuer.clone().map(Some),
            claim: block.claim.clone(),
            has: block.has.clone(),
            sub: block.sub.clone(),
        };
        let mut whos = Vec::new();
        let issuer = around.who(&condition, path, Implied::None, &mut whos, faults)?;
        let client = block.azp.as_ref()?.as_ref().map(|client| &*client.0);
        not_the_gate_s(issuer, client, path.member("azp"), around, faults);
        let exchanged = is_exchanged(issuer, around);
        self.once(Program { name, client }, exchanged, &whos, path, faults);
        whos.sort_unstable();
        whos.dedup();
        (!whos.is_empty()).then(|| (issuer, whos.into()))
    }

    /// No caller may be two programs. `exchanged`: whether the gate gets gate tokens for them in exchange for their own.
    fn once(
        &mut self,
        program: Program<'a>,
        exchanged: bool,
        whos: &[WhoId],
        path: Path<'_>,
        faults: &mut Faults,
    ) {
        let mut twin = None;
        for who in whos {
            let known = self.0.entry(*who).or_default();
            let same = |other: &&Program<'_>| {
                let both = program.client.zip(other.client);
                exchanged || both.is_none_or(|(own, other)| own == other)
            };
            twin = twin.or(known.iter().find(same).map(|other| other.name));
            known.push(program);
        }
        let Some(twin) = twin else { return };
        let twin = SERVICES.member(twin);
        let message = match exchanged {
            true => format!(
                "is also that of {twin}, and azp does not tell them apart: what the gate itself gets for them \
                 (gate_tokens.client) names the gate's client"
            ),
            false => format!(
                "is also that of {twin}; without an azp of each one's own a caller could be both"
            ),
        };
        faults.add(path, message);
    }
}

/// Whether the gate gets gate tokens at this issuer in exchange for others: these are issued to the gate's own client.
fn is_exchanged(issuer: IssuerId, around: &Surroundings<'_>) -> bool {
    let gate_tokens = around
        .issuer_block(issuer)
        .and_then(|block| block.gate_tokens.as_ref()?.as_ref());
    gate_tokens.is_some_and(|block| matches!(block.client, Some(Some(_))))
}

/// A program is not the gate.
fn not_the_gate_s(
    issuer: IssuerId,
    client: Option<&str>,
    path: Path<'_>,
    around: &Surroundings<'_>,
    faults: &mut Faults,
) {
    let Some(block) = around.issuer_block(issuer) else {
        return;
    };
    let exchanges = block.client.iter().flatten();
    let gate_tokens = block.gate_tokens.iter().flatten();
    let gets = gate_tokens.flat_map(|block| block.client.iter().flatten());
    let mut own = exchanges
        .chain(gets)
        .filter_map(|client| client.id.as_ref());
    if own.any(|own| client == Some(&*own.0)) {
        faults.add(
            path,
            "is a client of the gate itself; a program has one of its own",
        );
    }
}

/// Whether a claim tells of the client, or of what all tokens of an issuer have.
fn is_about_the_client(claim: &ClaimPath) -> bool {
    // As different identity providers name them: RFC 9068, OpenID Connect, Entra, Okta, Keycloak, Cognito.
    const NAMES: [&str; 16] = [
        "appdisplayname",
        "appid",
        "appidacr",
        "aud",
        "azp",
        "azpacr",
        "cid",
        "client",
        "clientid",
        "iss",
        "scope",
        "scopes",
        "scp",
        "tid",
        "typ",
        "ver",
    ];
    claim.0.last().is_some_and(|member| {
        let letters = member.chars().filter(char::is_ascii_alphanumeric);
        let name: String = letters.map(|char| char.to_ascii_lowercase()).collect();
        NAMES.contains(&name.as_str())
    })
}
