//! Releases: forwarded or refused, counted, noted, and recorded for the audit.

use std::rc::Rc;

use super::effect::{Effect, Forward, Level, StreamId, Verdict};
use super::endpoint::Issued;
use super::parked::Parked;
use super::request::About;
use super::{Broker, SubjectToken};
use crate::audit::{self, Record};
use crate::clock::Now;
use crate::config::{CatalogId, IssuerId, ServiceId};
use crate::exchange::Minted;
use crate::iceberg::{Class, Operation};
use crate::identity::{Caller, Standing};
use crate::limits;
use crate::policy::{Denial, Findings, Permit};
use crate::refusal::{Answer, Asked, Culprit, Refusal};
use crate::telemetry::RequestVerdict;

/// What is known about a request when it is released.
#[derive(Clone, Copy, Default)]
pub(super) struct Told<'a> {
    caller: Option<&'a Caller>,
    findings: Option<&'a Findings>,
    minted: Option<&'a Minted>,
    cached: Option<bool>,
    actor: Option<ServiceId>,
    issued: bool,
}

impl<'a> Told<'a> {
    /// By whom it was sent.
    pub(super) fn caller(caller: &'a Caller) -> Self {
        Self {
            caller: Some(caller),
            ..Self::default()
        }
    }

    /// What a request that waits knows.
    pub(super) fn of(parked: &'a Parked) -> Self {
        Self {
            caller: parked.caller.as_deref(),
            ..Self::default()
        }
    }

    /// What is known of a request for a token.
    pub(super) fn token(caller: Option<&'a Caller>, actor: Option<ServiceId>) -> Self {
        Self {
            caller,
            actor,
            ..Self::default()
        }
    }

    /// What policy found.
    pub(super) fn found(self, findings: &'a Findings) -> Self {
        Self {
            findings: Some(findings),
            ..self
        }
    }
}

impl Broker {
    #[allow(
        clippy::too_many_arguments,
        reason = "a request with all that was found for it"
    )]
    pub(super) fn forward(
        &mut self,
        now: Now,
        stream: StreamId,
        about: &About<'_>,
        permit: Permit,
        minted: Rc<Minted>,
        subject: SubjectToken,
        caller: &Caller,
        cached: bool,
    ) {
        let catalogs = self.config.catalogs.len();
        self.tally
            .request(Some(permit.catalog()), RequestVerdict::Forwarded, catalogs);
        if let Some(reported) = &permit.findings().reported {
            self.tally.reported(reported.reason);
            self.note(Level::Info, || {
                format!(
                    "report_only refusal={} ref={}: {}",
                    reported.reason.name(),
                    about.reference,
                    reported.sentence
                )
            });
        }
        let told = Told {
            caller: Some(caller),
            findings: Some(permit.findings()),
            minted: Some(&minted),
            cached: Some(cached),
            ..Told::default()
        };
        let mut record = self.record(now, about, told, None);
        if let (Some(record), Some(header)) = (&mut record, permit.delegation().header) {
            record.delegation = Some(header.unwrap_or("(removed)"));
        }
        let verdict = Verdict::Forward(Forward::new(
            permit,
            minted,
            subject,
            about.reference,
            self.config.holds_bodies,
        ));
        self.effects.push_back(Effect::Release {
            stream,
            verdict,
            record,
        });
    }

    pub(super) fn refuse_parked(
        &mut self,
        now: Now,
        stream: StreamId,
        parked: &Parked,
        refusal: &Refusal,
    ) {
        self.refuse(now, stream, &parked.about(), refusal, Told::of(parked));
    }

    pub(super) fn deny_parked(
        &mut self,
        now: Now,
        stream: StreamId,
        parked: &Parked,
        denial: &Denial,
    ) {
        let told = Told::of(parked).found(&denial.findings);
        self.refuse(now, stream, &parked.about(), &denial.refusal, told);
    }

    pub(super) fn refuse(
        &mut self,
        now: Now,
        stream: StreamId,
        about: &About<'_>,
        refusal: &Refusal,
        told: Told<'_>,
    ) {
        let catalogs = self.config.catalogs.len();
        self.tally
            .request(about.catalog, RequestVerdict::Refused, catalogs);
        self.tally.refusal(refusal.reason);
        let mut jitter = [0];
        if refusal.reason.answer() == Answer::Later {
            self.entropy.fill(&mut jitter);
        }
        let [jitter] = jitter;
        let asked = Asked {
            safe: about.safe,
            head: about.head,
            token_endpoint: about.operation == Some(Operation::GetToken),
            reference: about.reference,
            jitter,
        };
        let level = match refusal.reason.culprit() {
            Culprit::Caller => Level::Info,
            Culprit::IdentityProvider | Culprit::Catalog | Culprit::Us => Level::Warn,
            Culprit::Operator => Level::Error,
        };
        let reply = refusal.reply(&asked);
        if level <= self.verbosity {
            let text = format!(
                "refused refusal={} status={} ref={} catalog={} operation={}: {}",
                refusal.reason.name(),
                reply.status,
                asked.reference,
                self.catalog_name(about.catalog),
                about.operation.map_or("-", |operation| operation.name()),
                refusal.sentence,
            );
            self.effects.push_back(Effect::Note { level, text });
        }
        let record = self.record(now, about, told, Some(refusal));
        let verdict = Verdict::Refuse(reply);
        self.effects.push_back(Effect::Release {
            stream,
            verdict,
            record,
        });
    }

    /// A token is given out.
    pub(super) fn release_issued(
        &mut self,
        now: Now,
        stream: StreamId,
        about: &About<'_>,
        issued: Issued,
        told: Told<'_>,
    ) {
        let catalogs = self.config.catalogs.len();
        self.tally
            .request(about.catalog, RequestVerdict::Issued, catalogs);
        self.note(Level::Debug, || {
            let caller = told.caller.map_or("-", Caller::log_name);
            format!("token issued to '{caller}' ref={}", about.reference)
        });
        let told = Told {
            issued: true,
            ..told
        };
        let record = self.record(now, about, told, None);
        self.effects.push_back(Effect::Release {
            stream,
            verdict: Verdict::Issue(issued),
            record,
        });
    }

    /// What is told about a request; nothing is put together when nobody wants to know.
    fn record(
        &self,
        now: Now,
        about: &About<'_>,
        told: Told<'_>,
        refusal: Option<&Refusal>,
    ) -> Option<Box<Record>> {
        if !self.config.audit.is_on() {
            return None;
        }
        let config = &self.config;
        let findings = told.findings;
        let tenant = findings.and_then(|found| config.tenant(found.tenant?));
        let warehouse = findings.and_then(|found| config.warehouse(found.warehouse?));
        let demands = findings.map_or(&[][..], |found| &found.demands);
        let mut places: Vec<String> = demands
            .iter()
            .take(limits::AUDIT_PLACES)
            .map(
                |demand| match (demand.operation.name(), demand.place.path()) {
                    (operation, root) if root.is_empty() => operation.to_owned(),
                    (operation, path) => format!("{operation} {path}"),
                },
            )
            .collect();
        let more = demands.len().saturating_sub(places.len());
        if more > 0 {
            places.push(format!("and {more} more"));
        }
        let reported = findings.and_then(|found| found.reported.as_deref());
        let generation = config.generation.iter().take(8);
        Some(Box::new(Record {
            time: audit::seconds(now.unix),
            reference: about.reference.into(),
            traceparent: about.traceparent.map(Into::into),
            caller: told.caller.map(|caller| self.who(caller)),
            actor: told
                .actor
                .and_then(|id| config.service(id))
                .map(|service| (&*service.name).into()),
            issued: told.issued,
            tenant: tenant.map(|tenant| (&*tenant.name).into()),
            catalog: about.catalog.map(|id| self.catalog_name(Some(id)).into()),
            warehouse: warehouse.map(|warehouse| (&*warehouse.name).into()),
            operation: about.operation.map_or("-", |operation| operation.name()),
            // Reports of metrics and plans of scans are sent by POST, and only read.
            changes: about.operation == Some(Operation::GetToken)
                || !about.safe
                    && about
                        .operation
                        .is_none_or(|operation| operation.class() != Class::Read),
            places,
            delegation: None,
            refusal: refusal.map(|refusal| refusal.reason.name()),
            grant: findings.and_then(|found| found.grant),
            report_only: reported.map(|refusal| refusal.reason.name()),
            cached: told.cached,
            minted_id: told.minted.and_then(Minted::jti).map(Into::into),
            generation: generation
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
                .into(),
        }))
    }

    fn who(&self, caller: &Caller) -> audit::Who {
        let IssuerId(issuer) = caller.issuer();
        let issuer = self.config.issuers.get(usize::from(issuer));
        let service = match caller.standing() {
            Standing::Service(id) => self.config.service(id),
            Standing::Person | Standing::Program => None,
        };
        let jti = caller.claims().get("jti").and_then(|jti| jti.as_str());
        audit::Who {
            issuer: issuer.map_or("-", |issuer| &issuer.name).into(),
            subject: crate::text::shown(caller.subject()).into(),
            name: caller.log_name().into(),
            proof: caller.proof(),
            service: service.map(|service| (&*service.name).into()),
            token_id: jti.map(|jti| crate::text::shown(jti).into()),
        }
    }

    pub(super) fn catalog_name(&self, catalog: Option<CatalogId>) -> &str {
        catalog
            .and_then(|id| self.config.catalog(id))
            .map_or("-", |catalog| &catalog.name)
    }
}
