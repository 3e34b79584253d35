//! The catalog's answers: which are looked through, and what becomes of them.

use super::effect::is_redirect;
use super::prefixes::percent_encoded;
use super::{Broker, Level, Ticket};
use crate::clock::Now;
use crate::config::{Catalog, Prefix};
use crate::guard::{self, AnswerFault, AnswerKind, Removed, Terms};
use crate::iceberg::{Class, Kind, StorageLocation, read_prefix};
use crate::policy::holds_prefix;
use crate::refusal::{Asked, Reason, Refusal};
use crate::wire::Reply;

/// The head of an answer to a request that was forwarded.
#[derive(Clone, Copy, Debug)]
pub struct AnswerHead<'a> {
    /// HTTP status.
    pub status: u16,
    /// `content-encoding`.
    pub content_encoding: Option<&'a [u8]>,
    /// `content-length`, where there is one that can be read.
    pub content_length: Option<u64>,
    /// There is no body.
    pub ends: bool,
}

/// How an answer's body came.
#[derive(Clone, Copy)]
pub enum AnswerBody<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// It is longer than was asked for.
    TooLarge,
    /// The host did not hand it over, and what came before is not whole.
    Lost,
}

/// What becomes of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerStep {
    /// It goes on as it came.
    Pass,
    /// Its body must be collected and held back, at most so many bytes of it, and shown to
    /// [`answer_body`](Broker::answer_body). Only the answer to this.
    Collect(usize),
    /// It goes on with this body.
    Replace(Vec<u8>),
    /// The gate answers in its place.
    Refuse(Reply),
}

impl Broker {
    /// An answer's headers came. Only for a request that was forwarded, once.
    pub fn answer_head(&mut self, now: Now, ticket: &Ticket, head: &AnswerHead<'_>) -> AnswerStep {
        if head.status == 401 {
            self.catalog_unauthorized(now, ticket);
        }
        if is_redirect(head.status) {
            return self.redirected(ticket);
        }
        let success = (200..300).contains(&head.status);
        if !ticket.is_guarded() || !success || head.ends {
            return AnswerStep::Pass;
        }
        if let Err(fault) = guard::check_encoding(head.content_encoding) {
            return self.unreadable(ticket, fault);
        }
        let most = self.config.limits.guarded_answer;
        let too_large = head
            .content_length
            .is_some_and(|length| usize::try_from(length).map_or(true, |length| length > most));
        if too_large {
            return self.too_large(ticket);
        }
        AnswerStep::Collect(most)
    }

    /// An answer's body came that [`AnswerStep::Collect`] asked for.
    pub fn answer_body(&mut self, ticket: &Ticket, body: AnswerBody<'_>) -> AnswerStep {
        let body = match body {
            AnswerBody::Whole(body) => body,
            AnswerBody::TooLarge => return self.too_large(ticket),
            AnswerBody::Lost => return self.unreadable(ticket, AnswerFault::TooLarge),
        };
        let config = std::rc::Rc::clone(&self.config);
        let (Some(kind), Some(catalog)) = (
            guard::answer_kind(ticket.operation),
            config.catalog(ticket.catalog),
        ) else {
            return AnswerStep::Pass;
        };
        let astray = match self.leads_astray(ticket, kind, body) {
            Ok(astray) => astray,
            Err(fault) => return self.unreadable(ticket, fault),
        };
        let prefix = self.own_prefix(ticket, catalog);
        let terms = Terms {
            own_url: catalog.public_url.as_deref(),
            base_path: catalog.layout.base_path(),
            withhold_credentials: ticket.handed.withhold_credentials || astray,
            withhold_signing: ticket.handed.withhold_signing || astray,
            prefix: prefix.as_deref(),
        };
        let guarded = match guard::guard(kind, body, &terms) {
            Ok(guarded) => guarded,
            Err(fault) => return self.unreadable(ticket, fault),
        };
        self.tell_removed(ticket, &guarded.removed, astray);
        if kind == AnswerKind::Config
            && let Some(refusal) = self.contradicts(ticket, catalog, &guarded)
        {
            return self.refuse_answer(ticket, refusal);
        }
        match guarded.body {
            Some(body) => AnswerStep::Replace(body),
            None => AnswerStep::Pass,
        }
    }

    /// Whether a table lies outside of the tenant's locations, so that nothing is handed out for its files. A table
    /// can be registered from a file that says so.
    fn leads_astray(
        &self,
        ticket: &Ticket,
        kind: AnswerKind,
        body: &[u8],
    ) -> Result<bool, AnswerFault> {
        let tenant = ticket.tenant.and_then(|id| self.config.tenant(id));
        let Some(own) = tenant.and_then(|tenant| tenant.locations.as_ref()) else {
            return Ok(false);
        };
        if !matches!(
            kind,
            AnswerKind::Table | AnswerKind::Credentials | AnswerKind::Plan
        ) {
            return Ok(false);
        }
        let places = guard::locations(body)?;
        Ok(places
            .iter()
            .any(|place| !StorageLocation::any_holds(own, place)))
    }

    /// The prefix that clients must use, where the catalog cannot know it: Nessie gives everybody its default branch,
    /// and which branch is the tenant's is the configuration's to say.
    fn own_prefix(&self, ticket: &Ticket, catalog: &Catalog) -> Option<String> {
        let warehouse = self.config.warehouse(ticket.warehouse?)?;
        match (&warehouse.prefix, catalog.layout.kind()) {
            (Prefix::Known(prefix), Kind::Nessie) => Some(encoded(prefix)),
            _ => None,
        }
    }

    /// What a configuration says about paths must be what the gate reads in them.
    fn contradicts(
        &self,
        ticket: &Ticket,
        catalog: &Catalog,
        guarded: &guard::Guarded,
    ) -> Option<Refusal> {
        let id = ticket.warehouse?;
        let told = guarded.prefix.as_deref().unwrap_or_default();
        let prefix = match told {
            "" => Some(String::new()),
            told => read_prefix(told, &catalog.layout).ok(),
        };
        if !prefix.is_some_and(|prefix| holds_prefix(&self.config, id, &prefix)) {
            let sentence = format!(
                "catalog '{}' gives clients a prefix that is not within the tenant's border: its operator must look at reach",
                catalog.name
            );
            return Some(Refusal::new(Reason::AnswerOutsideBorder, sentence));
        }
        let separator = guarded.namespace_separator.as_deref()?;
        if separator.eq_ignore_ascii_case(catalog.layout.separator()) {
            return None;
        }
        let sentence = format!(
            "catalog '{}' announces another namespace separator than the gate knows of: its operator must set \
             catalogs.{}.namespace_separator",
            catalog.name, catalog.name
        );
        Some(Refusal::new(Reason::AnswerSeparator, sentence))
    }

    /// Longer than what is read. What says nothing about the client's way, and of which nothing is withheld, goes on
    /// as it came.
    fn too_large(&mut self, ticket: &Ticket) -> AnswerStep {
        let tenant = ticket.tenant.and_then(|id| self.config.tenant(id));
        let bound = tenant.is_some_and(|tenant| tenant.locations.is_some())
            || ticket.handed.withhold_credentials
            || ticket.handed.withhold_signing;
        match guard::answer_kind(ticket.operation) {
            Some(AnswerKind::Config) => self.unreadable(ticket, AnswerFault::TooLarge),
            Some(_) if bound => self.unreadable(ticket, AnswerFault::TooLarge),
            _ => AnswerStep::Pass,
        }
    }

    /// An answer that leads past the gate. The catalog has done nothing.
    fn redirected(&mut self, ticket: &Ticket) -> AnswerStep {
        let text = format!(
            "the gate did not hand on {}",
            AnswerFault::Redirect.describe()
        );
        self.refuse_answer(ticket, Refusal::new(Reason::AnswerUnreadable, text))
    }

    /// An answer that cannot be handed on. That a change was made is never hidden.
    fn unreadable(&mut self, ticket: &Ticket, fault: AnswerFault) -> AnswerStep {
        let reason = match fault {
            AnswerFault::TooLarge => Reason::AnswerTooLarge,
            _ => Reason::AnswerUnreadable,
        };
        let text = format!("the gate did not hand on {}: try again", fault.describe());
        let refusal = Refusal::new(reason, text);
        if matches!(ticket.operation.class(), Class::Write | Class::Commit) {
            self.tally.refusal(reason);
            self.note(Level::Error, || {
                format!(
                    "answer replaced refusal={} ref={} fault={} operation={}: the change was made, and its answer cannot be \
                     handed on",
                    reason.name(),
                    ticket.reference,
                    fault.name(),
                    ticket.operation.name()
                )
            });
            return AnswerStep::Replace(guard::applied_note(&ticket.reference));
        }
        self.note(Level::Warn, || {
            format!("answer fault={} ref={}", fault.name(), ticket.reference)
        });
        self.refuse_answer(ticket, refusal)
    }

    fn refuse_answer(&mut self, ticket: &Ticket, refusal: Refusal) -> AnswerStep {
        self.tally.refusal(refusal.reason);
        let safe = ticket.operation.is_safe();
        let catalog = self.catalog_name(Some(ticket.catalog)).to_owned();
        self.note(Level::Error, || {
            format!(
                "refused refusal={} status={} ref={} catalog={catalog} operation={}: {}",
                refusal.reason.name(),
                refusal.status(safe),
                ticket.reference,
                ticket.operation.name(),
                refusal.sentence
            )
        });
        let mut jitter = [0];
        self.entropy.fill(&mut jitter);
        let [jitter] = jitter;
        AnswerStep::Refuse(refusal.reply(&Asked {
            token_endpoint: false,
            safe,
            head: false,
            reference: &ticket.reference,
            jitter,
        }))
    }

    fn tell_removed(&mut self, ticket: &Ticket, removed: &Removed, astray: bool) {
        for (why, count) in removed.counts() {
            self.tally.removed(why, count);
        }
        if removed.is_empty() {
            return;
        }
        let reason = if astray {
            " (the table lies outside of the tenant's locations)"
        } else {
            ""
        };
        let catalog = self.catalog_name(Some(ticket.catalog)).to_owned();
        self.note(Level::Info, || {
            format!(
                "taken out of an answer of catalog '{catalog}' ref={} operation={}{reason}: {removed}",
                ticket.reference,
                ticket.operation.name(),
            )
        });
    }
}

/// A prefix as clients put it into their paths.
fn encoded(prefix: &str) -> String {
    // Nessie writes the slash of a reference as %1F.
    percent_encoded(prefix).replace("%2F", "%1F")
}
