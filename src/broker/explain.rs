//! A request's way through the gate, for the operator: the same steps in the same order as the broker takes them,
//! without keys, without calls, and with a caller that nobody proved. Compiled for the command-line tool alone.

use super::Broker;
use super::request::{ArrivedBody, read_body};
use crate::clock::UnixTime;
use crate::config::{CatalogId, Config, WarehouseId};
use crate::iceberg::Operation;
use crate::identity::Unproven;
use crate::policy::{self, Decision, Prefixes, explain::Explanation};
use crate::refusal::{Reason, Refusal};
use crate::wire::RequestHead;

/// What is asked about.
pub struct Question<'a> {
    /// The request's headers; its token's signature is not looked at.
    pub head: RequestHead<'a>,
    /// Its body, where it is at hand.
    pub body: Option<&'a [u8]>,
    /// What catalogs tell about prefixes.
    pub prefixes: &'a dyn Prefixes,
    /// When.
    pub now: UnixTime,
}

/// What is found.
pub struct Found {
    /// The catalog under whose base path the request lies.
    pub catalog: Option<CatalogId>,
    /// What it does.
    pub operation: Option<Operation>,
    /// Who asks, as the token says.
    pub caller: Option<Unproven>,
    /// The policy's reasons, where it came to them.
    pub policy: Option<Explanation>,
    /// How it ends.
    pub end: End,
}

/// How a request ends, as far as it can be said without the identity provider and the catalog.
#[derive(Debug)]
pub enum End {
    /// It is forwarded, once the exchange has given a token.
    Forwarded,
    /// It is refused.
    Refused(Refusal),
    /// Its body decides, and is not at hand.
    NeedsBody,
    /// The catalog decides, by the prefix that it tells for this warehouse.
    NeedsPrefix(WarehouseId),
}

/// Finds out what the gate would do, and why.
pub fn explain(config: &Config, question: &Question<'_>) -> Found {
    let mut found = Found {
        catalog: None,
        operation: None,
        caller: None,
        policy: None,
        end: End::Forwarded,
    };
    if let Err(refusal) = follow(config, question, &mut found) {
        found.end = End::Refused(refusal);
    }
    found
}

fn follow(config: &Config, question: &Question<'_>, found: &mut Found) -> Result<(), Refusal> {
    let intake = Broker::intake(config, &question.head).map_err(|(catalog, refusal)| {
        found.catalog = catalog;
        refusal
    })?;
    found.catalog = Some(intake.catalog);
    found.operation = Some(intake.route.operation);
    let read = Unproven::read(intake.token.as_bytes(), config, question.now)
        .map_err(|fault| Refusal::new(Reason::from(&fault), fault.describe(config)))?;
    let caller = found.caller.insert(read).caller();
    let mut asked = policy::Asked {
        catalog: intake.catalog,
        route: &intake.route,
        query: &intake.query,
        wishes: intake.wishes,
        body: None,
        peer: intake.peer.as_deref(),
    };
    let explain = |asked: &policy::Asked<'_>| {
        policy::explain::explain(config, question.prefixes, caller, asked)
    };
    let explanation = found.policy.insert(explain(&asked));
    // As in the broker, the body is read once the path alone is no reason to refuse.
    let read;
    if let (Ok(Decision::ReadBody(_)), Some(bytes)) = (&explanation.decision, question.body) {
        let arrived = match bytes.len() > config.limits.request_body {
            true => ArrivedBody::TooLarge,
            false => ArrivedBody::Whole(bytes),
        };
        read = read_body(config, intake.route.operation, arrived)?;
        asked.body = Some(&read);
        *explanation = explain(&asked);
    }
    found.end = match &explanation.decision {
        Ok(Decision::Yes(_)) => End::Forwarded,
        Ok(Decision::ReadBody(_)) => End::NeedsBody,
        Ok(Decision::AskPrefix(warehouse, _)) => End::NeedsPrefix(*warehouse),
        Err(denial) => End::Refused(denial.refusal.clone()),
    };
    Ok(())
}
