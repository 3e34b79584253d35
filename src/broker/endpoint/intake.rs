//! From the head of a request for a token to its form.

use std::rc::Rc;

use super::{
    Asked, CONTENT_TYPE_BYTES, Presented, TokenParked, TokenWait, outcome, tries::network,
};
use crate::broker::record::Told;
use crate::broker::request::About;
use crate::broker::{ArrivedBody, Broker, StreamId};
use crate::clock::Now;
use crate::config::{CatalogId, IssuerId};
use crate::iceberg::{self, Method, Operation, Route};
use crate::limits;
use crate::oauth::TokenRequest;
use crate::refusal::Refusal;
use crate::wire::RequestHead;

impl Broker {
    /// Answers a request for a key set of the gate's own. `false`: it is not one.
    pub(in crate::broker) fn serves_key_set(
        &mut self,
        stream: StreamId,
        head: &RequestHead<'_>,
    ) -> bool {
        let found = self
            .endpoint
            .key_sets
            .iter()
            .find(|(path, _)| path.as_bytes() == head.path);
        let (Some((_, set)), true) = (found, matches!(head.method, b"GET" | b"HEAD")) else {
            return false;
        };
        let body = match head.method {
            b"HEAD" => Vec::new(),
            _ => set.clone().into_bytes(),
        };
        self.answer(stream, outcome::key_set(body));
        true
    }

    /// The catalog whose token endpoint a request is for, where the gate answers it.
    pub(in crate::broker) fn token_endpoint_of(
        &self,
        head: &RequestHead<'_>,
    ) -> Option<(CatalogId, IssuerId)> {
        // Of the paths of a catalog few end so; it is parsed all the same.
        if !head.asks_for_token() {
            return None;
        }
        let (catalog, position) = self
            .config
            .catalogs
            .iter()
            .zip(0_u16..)
            .find(|(catalog, _)| catalog.layout.owns(head.path))?;
        let id = CatalogId(position);
        let (issuer, _) = self.config.gate_tokens(id)?;
        let method = Method::from_bytes(head.method);
        match iceberg::route(method, head.path, &catalog.layout) {
            Ok(Route {
                operation: Operation::GetToken,
                ..
            }) => Some((id, issuer)),
            _ => None,
        }
    }

    /// A request for a token arrived. Its form is awaited.
    pub(in crate::broker) fn token_request(
        &mut self,
        now: Now,
        stream: StreamId,
        head: &RequestHead<'_>,
        about: &About<'_>,
        (catalog, issuer): (CatalogId, IssuerId),
    ) {
        let most = limits::TOKEN_REQUEST_BYTES;
        let bytes = head.content_length.unwrap_or(most);
        let refusal = if head.encoded {
            Some(outcome::encoded())
        } else if bytes > most {
            Some(outcome::too_large())
        } else if !self.makes_room(now, bytes) {
            Some(outcome::full())
        } else {
            None
        };
        if let Some(refusal) = refusal {
            return self.refuse(now, stream, about, &refusal, Told::default());
        }
        let parked = TokenParked {
            catalog,
            issuer,
            reference: about.reference.into(),
            traceparent: about.traceparent.map(Into::into),
            content_type: head
                .content_type
                .filter(|kind| kind.len() <= CONTENT_TYPE_BYTES)
                .map(Into::into),
            authorization: Presented::keep(head.authorization),
            source: network(head.source.unwrap_or_default()),
            peer: head.peer.map(Into::into),
            bytes,
            asked: None,
            subject: None,
            actor: None,
            proven: false,
            landed: None,
            deadline: now.instant.plus(self.config.limits.request_deadline),
            wait: TokenWait::Form,
            awake: false,
        };
        self.endpoint.insert(stream, parked);
    }

    /// Makes room for a request with a form of so many bytes. Nobody is recognised before the form was read, so whoever
    /// has withheld one for the longest time goes first: clients send theirs at once.
    fn makes_room(&mut self, now: Now, bytes: usize) -> bool {
        loop {
            let endpoint = &self.endpoint;
            if endpoint.requests.len() < limits::TOKEN_REQUESTS
                && endpoint.bytes.saturating_add(bytes) <= limits::TOKEN_REQUESTS_BYTES
            {
                return true;
            }
            let Some(slowest) = endpoint.slowest() else {
                return false;
            };
            let Some(parked) = self.endpoint.remove(slowest) else {
                return false;
            };
            self.refuse_token(now, slowest, &parked, &outcome::full());
        }
    }

    /// The form of a request for a token arrived. `false`: the request is none.
    pub(in crate::broker) fn token_form(
        &mut self,
        now: Now,
        stream: StreamId,
        body: ArrivedBody<'_>,
    ) -> bool {
        if self.endpoint.awaits_form(stream).is_none() {
            return false;
        }
        let Some(mut parked) = self.endpoint.remove(stream) else {
            return false;
        };
        // What was announced has come, and nothing more is kept of it.
        parked.bytes = match body {
            ArrivedBody::Whole(body) => body.len(),
            ArrivedBody::TooLarge | ArrivedBody::WithTrailers => 0,
        };
        match self.read_form(&parked, body) {
            Ok(asked) => {
                parked.asked = Some(Rc::new(asked));
                // What is still to be waited for is the identity provider's time.
                parked.deadline = now.instant.plus(self.config.limits.request_deadline);
                self.token_step(now, stream, parked);
            }
            Err(refusal) => self.refuse_token(now, stream, &parked, &refusal),
        }
        true
    }

    fn read_form(&self, parked: &TokenParked, body: ArrivedBody<'_>) -> Result<Asked, Refusal> {
        let body = match body {
            ArrivedBody::Whole(body) => body,
            ArrivedBody::TooLarge => return Err(outcome::too_large()),
            ArrivedBody::WithTrailers => return Err(outcome::trailers()),
        };
        let authorization = parked.authorization.show();
        let request = TokenRequest::read(parked.content_type.as_deref(), authorization, body)
            .map_err(|fault| outcome::malformed(&fault))?;
        let (wished, audiences, resources) = match &request {
            TokenRequest::ClientCredentials(asked) => {
                (&asked.scope, &asked.audiences, &asked.resources)
            }
            TokenRequest::Exchange(asked) => (&asked.scope, &asked.audiences, &asked.resources),
        };
        let issuer = self.config.issuers.get(usize::from(parked.issuer.0));
        let Some((issuer, rule)) =
            issuer.and_then(|issuer| Some((issuer, issuer.gate_tokens.as_ref()?)))
        else {
            return Err(outcome::off());
        };
        let ours = |audience: &String| issuer.audiences.contains(audience);
        if !audiences.iter().all(ours) || !resources.is_empty() {
            return Err(outcome::other_target());
        }
        Ok(Asked {
            scope: outcome::scope(&rule.scopes, wished.as_deref())?,
            request,
        })
    }
}
