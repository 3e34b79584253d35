//! How much memory the bodies may take that requests wait for. The VM has one memory for everybody, and whoever
//! sends slowly must not take all of it.

use std::collections::BTreeMap;

use super::parked::{Parked, RequestBody, Wait};
use super::{Broker, StreamId};
use crate::clock::Now;
use crate::config::TenantId;
use crate::limits;
use crate::refusal::{Reason, Refusal};

/// Bytes of the bodies of all requests that wait, as far as they were announced.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    all: usize,
    /// Of requests whose token nobody could verify yet.
    strangers: usize,
    /// Of requests that wait for nothing else, by whose they are.
    tenants: BTreeMap<Option<TenantId>, Share>,
    /// Requests that wait for nothing else.
    waiting: usize,
}

#[derive(Debug, Default)]
struct Share {
    requests: usize,
    bytes: usize,
}

impl Bodies {
    pub(super) fn enter(&mut self, parked: &Parked) {
        if let RequestBody::NotRead = parked.body {
            return;
        }
        self.all = self.all.saturating_add(parked.body_bytes);
        match parked.wait {
            Wait::FirstKeys(_) | Wait::NewerKeys(..) => {
                self.strangers = self.strangers.saturating_add(parked.body_bytes);
            }
            Wait::Body(tenant) => {
                self.waiting = self.waiting.saturating_add(1);
                let share = self.tenants.entry(tenant).or_default();
                share.requests = share.requests.saturating_add(1);
                share.bytes = share.bytes.saturating_add(parked.body_bytes);
            }
            Wait::Nothing | Wait::Flight(_) | Wait::Prefix(_) => {}
        }
    }

    pub(super) fn leave(&mut self, parked: &Parked) {
        if let RequestBody::NotRead = parked.body {
            return;
        }
        self.all = self.all.saturating_sub(parked.body_bytes);
        match parked.wait {
            Wait::FirstKeys(_) | Wait::NewerKeys(..) => {
                self.strangers = self.strangers.saturating_sub(parked.body_bytes);
            }
            Wait::Body(tenant) => {
                self.waiting = self.waiting.saturating_sub(1);
                if let Some(share) = self.tenants.get_mut(&tenant) {
                    share.requests = share.requests.saturating_sub(1);
                    share.bytes = share.bytes.saturating_sub(parked.body_bytes);
                    if share.requests == 0 {
                        self.tenants.remove(&tenant);
                    }
                }
            }
            Wait::Nothing | Wait::Flight(_) | Wait::Prefix(_) => {}
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.all
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether one more body of so many bytes may be awaited at all.
    pub(super) fn take(&self, bytes: usize) -> bool {
        self.all.saturating_add(bytes) <= limits::BODIES_BYTES
    }

    /// Whether a stranger's may. Anybody can write a token of an unknown key: the room of the others is not theirs.
    fn take_strangers(&self, bytes: usize) -> bool {
        self.strangers.saturating_add(bytes) <= limits::STRANGERS_BODIES_BYTES
    }

    /// Whether a request may wait with its body, or with what was read of it.
    pub(super) fn keep(&self, parked: &Parked) -> bool {
        let stranger = matches!(parked.wait, Wait::FirstKeys(_) | Wait::NewerKeys(..));
        self.take(parked.body_bytes) && (!stranger || self.take_strangers(parked.body_bytes))
    }

    /// Whether a request may wait for its body and for nothing else. `places`: how many may. Of several tenants none
    /// gets more than half.
    fn take_tenants(
        &self,
        tenant: Option<TenantId>,
        bytes: usize,
        places: usize,
        only: bool,
    ) -> bool {
        let part = if only { 1 } else { 2 };
        let (requests, held) = self
            .tenants
            .get(&tenant)
            .map_or((0, 0), |share| (share.requests, share.bytes));
        self.waiting < places
            && requests < places.div_ceil(part)
            && held.saturating_add(bytes) <= limits::BODIES_BYTES.div_ceil(part)
    }
}

impl Broker {
    /// All else is there. The time that its client takes for the body is the client's, not the identity
    /// provider's.
    pub(super) fn wait_for_body(
        &mut self,
        now: Now,
        stream: StreamId,
        mut parked: Parked,
        tenant: Option<TenantId>,
    ) {
        let RequestBody::Awaited = &parked.body else {
            let sentence = "the gate needs this request's body and does not have it: try again";
            let refusal = Refusal::new(Reason::HostFailed, sentence);
            return self.refuse_parked(now, stream, &parked, &refusal);
        };
        let only = self
            .config
            .tenancy
            .as_ref()
            .is_none_or(|tenancy| tenancy.tenants.len() == 1);
        let places = self.config.limits.waiters.div_ceil(2);
        if !self
            .bodies
            .take_tenants(tenant, parked.body_bytes, places, only)
        {
            return self.refuse_parked(now, stream, &parked, &bodies_full());
        }
        parked.wait = Wait::Body(tenant);
        parked.deadline = now.instant.plus(limits::BODY_DEADLINE);
        self.park(now, stream, parked);
    }
}

pub(super) fn bodies_full() -> Refusal {
    Refusal::new(
        Reason::BodiesFull,
        "the gate waits for too many requests' bodies already: try again",
    )
}
