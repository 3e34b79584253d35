//! Calls of the gate's, and what the story answers.

use std::time::Duration;

use icegate::broker::CallId;
use icegate::wire::{CallAnswer, HttpCall};
use serde_json::Value;

use super::desk::{self, GrantOf, LOGINS};
use super::idp::{Answer, Mint};
use super::invariants;
use super::world::{CI, CORP, Kind, Pending, World};

impl World {
    /// Answers the oldest exchange that is under way, by hand.
    pub(crate) fn answer_exchange(&mut self, answer: Answer) -> bool {
        let exchange =
            |pending: &Pending| matches!(pending.kind, Kind::Exchange { .. } | Kind::Own { .. });
        let id = self.calls.iter().find(|(_, pending)| exchange(pending));
        match id.map(|(id, _)| *id) {
            Some(id) => {
                self.deliver(id, answer);
                true
            }
            None => false,
        }
    }

    /// Answers the oldest question for a gate token that is under way, by hand.
    pub(crate) fn answer_grant(&mut self, answer: Answer) -> bool {
        let grant = |pending: &Pending| matches!(pending.kind, Kind::Grant(_));
        let id = self.calls.iter().find(|(_, pending)| grant(pending));
        match id.map(|(id, _)| *id) {
            Some(id) => {
                self.deliver(id, answer);
                true
            }
            None => false,
        }
    }

    /// The `which`th call under way.
    pub(crate) fn nth_call(&self, which: usize) -> Option<CallId> {
        let count = self.calls.len();
        (count > 0).then(|| *self.calls.keys().nth(which % count).expect("it is there"))
    }

    pub(crate) fn deliver(&mut self, id: CallId, answer: Answer) {
        let pending = self.calls.remove(&id).expect("a call under way");
        self.last_answered = Some(id);
        let answer = match &pending.kind {
            Kind::Prefix { warehouse, person } => {
                let now = self.now.instant;
                self.shop.answer(now, warehouse, person, answer)
            }
            _ => self.provider_answers(&pending, answer),
        };
        let wire = match &answer {
            Answer::NotSent => CallAnswer::NotSent,
            Answer::TooLarge => CallAnswer::TooLarge,
            Answer::Says {
                status,
                retry_after,
                body,
            } => CallAnswer::Answered {
                status: *status,
                retry_after: retry_after.as_deref().map(str::as_bytes),
                body,
            },
            _ => CallAnswer::Broken,
        };
        self.broker.call_answered(self.now, id, wire);
        self.settle();
    }

    /// What an identity provider says.
    fn provider_answers(&mut self, pending: &Pending, answer: Answer) -> Answer {
        let now = self.true_seconds();
        let idp = &mut self.idps[pending.idp];
        match (answer, &pending.kind) {
            (Answer::Good, Kind::Metadata) => Answer::says(200, idp.metadata_body()),
            (Answer::Good | Answer::Mint(_), Kind::Keys) => Answer::says(200, idp.jwks_body()),
            (Answer::Mint(_), Kind::Metadata) => Answer::says(200, idp.metadata_body()),
            (Answer::Hangs | Answer::Lost, _) => Answer::timeout(),
            (
                answer @ (Answer::Good | Answer::Mint(_)),
                kind @ (Kind::Exchange { .. } | Kind::Own { .. }),
            ) => {
                let how = match answer {
                    Answer::Mint(how) => how,
                    _ => Mint::default(),
                };
                let (person, audience) = match kind {
                    Kind::Exchange {
                        subject_token,
                        audience,
                    } => (&self.subjects[subject_token].person, Some(&**audience)),
                    Kind::Own { client } => (client, None),
                    _ => panic!("{kind:?}"),
                };
                let body = idp.mint(now, person, audience, &how);
                let minted: Value = serde_json::from_slice(&body).expect("our own JSON");
                let token = minted["access_token"]
                    .as_str()
                    .expect("our own text")
                    .to_owned();
                self.canaries
                    .extend(token.split('.').skip(1).filter_map(invariants::canary));
                Answer::says(200, body)
            }
            (answer @ (Answer::Good | Answer::Mint(_)), Kind::Grant(grant)) => {
                let how = match answer {
                    Answer::Mint(how) => how,
                    _ => Mint::default(),
                };
                let (subject, actor) = match &grant.of {
                    GrantOf::Own { token, actor } => (self.given(token), actor.as_ref()),
                    _ => (None, None),
                };
                let actor = actor.map(|actor| self.subjects[actor].person.as_str());
                match self.idps[pending.idp].give(now, grant, subject, actor, &how) {
                    Ok((body, token)) => {
                        self.plant(&token);
                        Answer::says(200, body)
                    }
                    Err(refused) => refused,
                }
            }
            (answer, _) => answer,
        }
    }

    /// The host tells the end of a call a second time.
    pub(crate) fn repeat_last_answer(&mut self) {
        if let Some(id) = self.last_answered {
            self.broker.call_answered(self.now, id, CallAnswer::Broken);
            let effect = self.broker.poll_effect();
            assert!(effect.is_none(), "a call ended twice: {effect:?}");
        }
    }

    pub(super) fn dispatch(&mut self, id: CallId, call: HttpCall) {
        let idp = match &*call.cluster {
            "corp" | LOGINS => CORP,
            "ci" => CI,
            "mart" => return self.dispatch_to_shop(id, call),
            other => panic!("a call to {other}"),
        };
        let now = self.true_seconds();
        let keys = self.gate_keys();
        let there = &mut self.idps[idp];
        let grant = match call.method {
            "POST" => desk::read_grant(there, &keys, &call, now),
            _ => None,
        };
        let (kind, (delay, answer)) = if let Some(grant) = grant {
            there.token_paths.push(call.path.to_string());
            there.desk.asked.push(grant.clone());
            let scripted = there.desk.script.pop_front();
            let answer = scripted.unwrap_or((there.delay, there.desk.all.clone()));
            (Kind::Grant(grant), answer)
        } else if call.method == "POST" {
            let exchange = invariants::read_exchange(&call);
            there.asked.push(exchange.clone());
            let kind = match exchange.own {
                Some(client) => Kind::Own { client },
                None => Kind::Exchange {
                    subject_token: exchange.subject_token,
                    audience: exchange.audience,
                },
            };
            there.token_paths.push(call.path.to_string());
            let person = match &kind {
                Kind::Own { client } => client,
                _ => &self.subjects[&there.asked[there.asked.len() - 1].subject_token].person,
            };
            let scripted = match &there.for_person {
                Some((name, answer)) if name == person => Some((there.delay, answer.clone())),
                _ => there.script.pop_front(),
            };
            (
                kind,
                scripted.unwrap_or((there.delay, there.exchanges.clone())),
            )
        } else if call.path.contains("/.well-known/") {
            there.metadata_calls += 1;
            (Kind::Metadata, (there.delay, there.metadata.clone()))
        } else {
            there.key_calls += 1;
            (Kind::Keys, (there.delay, there.jwks.clone()))
        };
        self.await_answer(id, call, idp, kind, delay, answer);
    }

    /// A call is under way, and gets this answer after a while.
    pub(super) fn await_answer(
        &mut self,
        id: CallId,
        call: HttpCall,
        idp: usize,
        kind: Kind,
        delay: Duration,
        answer: Answer,
    ) {
        let timeout = self.now.instant.plus(call.timeout);
        let (due, answer) = match answer {
            Answer::Lost => (None, answer),
            Answer::Hangs => (Some(timeout), Answer::timeout()),
            _ if self.by_hand => (Some(timeout), Answer::timeout()),
            _ if delay >= call.timeout => (Some(timeout), Answer::timeout()),
            answer => (Some(self.now.instant.plus(delay)), answer),
        };
        let at_once = matches!(answer, Answer::NotSent);
        let pending = Pending {
            call,
            idp,
            kind,
            sent: self.now.instant,
            due,
            answer,
        };
        self.calls.insert(id, pending);
        invariants::check_calls(self);
        if at_once {
            self.deliver(id, Answer::NotSent);
        }
    }
}
