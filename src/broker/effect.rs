//! What the broker asks of the host.

use std::fmt;
use std::rc::Rc;

use super::endpoint::Issued;
use crate::audit::Record;
use crate::cache::SubjectToken;
use crate::config::{CatalogId, ContextId, TenantId, WarehouseId};
use crate::exchange::Minted;
use crate::guard;
use crate::iceberg::Operation;
use crate::policy::{Handed, Permit};
use crate::wire::{HttpCall, Reply};

/// A request, by the name that the host gives it. A name that is used again is another request's, and
/// the one before counts as gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u32);

/// A call that the host was asked to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub(super) u64);

/// How much is written to the log; each level has all of the levels before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The operator must act.
    Error,
    /// Something outside is at fault.
    Warn,
    /// A caller was refused; keys were loaded.
    Info,
    /// Everything else.
    Debug,
}

/// What the host is to do.
#[derive(Debug)]
pub enum Effect {
    /// Decide a request: once for each, unless its stream went away before.
    Release {
        /// The request.
        stream: StreamId,
        /// What becomes of it.
        verdict: Verdict,
        /// What is to be told about it when it has ended, if anything.
        record: Option<Box<Record>>,
    },
    /// Make an HTTP call on the root context, and tell how it ended by [`call_answered`](super::Broker::call_answered).
    Call {
        /// Its name.
        id: CallId,
        /// What to send where.
        call: HttpCall,
    },
    /// Write one line to the log.
    Note {
        /// How much it matters.
        level: Level,
        /// The line.
        text: String,
    },
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Verdict {
    /// It goes to the catalog.
    Forward(Forward),
    /// The gate refuses it.
    Refuse(Reply),
    /// The gate answers it with something that everybody may know.
    Answer(Reply),
    /// The gate gives a token out.
    Issue(Issued),
}

/// The way to the catalog: there is none without a permit and a minted token.
pub struct Forward {
    minted: Rc<Minted>,
    delegation: Option<Option<&'static str>>,
    ticket: Ticket,
}

impl Forward {
    pub(super) fn new(
        permit: Permit,
        minted: Rc<Minted>,
        subject: SubjectToken,
        reference: &str,
        holds_bodies: bool,
    ) -> Self {
        Self {
            minted,
            delegation: permit.delegation().header,
            ticket: Ticket {
                subject,
                catalog: permit.catalog(),
                context: permit.context(),
                operation: permit.operation(),
                handed: permit.delegation(),
                tenant: permit.findings().tenant,
                warehouse: permit.findings().warehouse,
                reference: reference.into(),
                guarded: holds_bodies && guard::answer_kind(permit.operation()).is_some(),
            },
        }
    }

    /// What `X-Iceberg-Access-Delegation` must say, when not what the client wrote; `Some(None)`: it must not be
    /// there.
    pub fn delegation(&self) -> Option<Option<&'static str>> {
        self.delegation
    }

    /// The one `Authorization` of the request, to be set in place of whatever stands there.
    pub fn authorization(&self) -> &[u8] {
        self.minted.authorization().expose().as_bytes()
    }

    /// To be shown to [`catalog_unauthorized`](super::Broker::catalog_unauthorized) when the catalog answers 401.
    pub fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    /// The minted token, for checks that the right one goes out.
    pub fn minted(&self) -> &Minted {
        &self.minted
    }
}

impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forward")
            .field("ticket", &self.ticket)
            .finish_non_exhaustive()
    }
}

/// Says which minted token a request was forwarded with.
#[derive(Clone, Debug)]
pub struct Ticket {
    pub(super) subject: SubjectToken,
    pub(super) catalog: CatalogId,
    pub(super) context: ContextId,
    pub(super) operation: Operation,
    pub(super) handed: Handed,
    pub(super) tenant: Option<TenantId>,
    pub(super) warehouse: Option<WarehouseId>,
    pub(super) reference: Box<str>,
    pub(super) guarded: bool,
}

impl Ticket {
    /// Whether the catalog's answer is looked through. The request must then not ask for a compressed one.
    pub fn is_guarded(&self) -> bool {
        self.guarded
    }

    /// Whether an answer of that status is to be shown to [`answer_head`](super::Broker::answer_head); any other goes on
    /// as it is.
    pub fn looks_at(&self, status: u16) -> bool {
        self.guarded || status == 401 || is_redirect(status)
    }
}

/// Whether whoever follows an answer goes elsewhere. 304 is none: it has no `Location`.
pub(super) const fn is_redirect(status: u16) -> bool {
    matches!(status, 300..=399) && status != 304
}
