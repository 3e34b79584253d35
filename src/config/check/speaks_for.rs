//! For whom a program's word is taken.

use super::issuers::ISSUERS;
use super::services::tenants;
use super::surroundings::Surroundings;
use super::tenants::{Checked, TENANTS};
use super::who::Implied;
use crate::config::fault::{Faults, Path};
use crate::config::file::SpeaksForBlock;
use crate::config::model::{IssuerId, SpeaksBy, SpeaksFor, TenantId, WhoId};
use crate::config::texts::SpokenName;

/// Checks it, and builds it if nothing is missing. `issuer`: the program's.
pub(super) fn check(
    block: &SpeaksForBlock,
    path: Path<'_>,
    issuer: Option<IssuerId>,
    border: Option<&Checked>,
    around: &mut Surroundings<'_>,
    faults: &mut Faults,
) -> Option<SpeaksFor> {
    if let Some(issuer) = issuer {
        way_to_tokens(block, path, issuer, around, faults);
    }
    somebody(block, path, around, faults);
    let tenants = match &block.tenants {
        Some(Some(named)) => {
            let place = path.member("tenants");
            let tenants = tenants(named, place, border, around, faults);
            if let (Some(tenants), Some(issuer), Some(border)) = (&tenants, issuer, border) {
                have_people(tenants, issuer, border, place, around, faults);
            }
            tenants
        }
        Some(None) => Some(Box::default()),
        None => None,
    };
    let who = match &block.who {
        Some(Some(_)) => who(block, path.member("who"), issuer, around, faults),
        Some(None) => Some(Box::default()),
        None => None,
    };
    let names = block.names.as_ref();
    let never = block.never.as_ref();
    if let (Some(Some(names)), Some(Some(never))) = (names, never) {
        let never = never.0.iter().flatten().map(lower_case);
        let never: std::collections::BTreeSet<Box<str>> = never.collect();
        let mut names = names.0.iter().flatten();
        if names.any(|name| never.contains(&lower_case(name))) {
            faults.add(
                path.member("never"),
                "holds one of names; it cannot be both",
            );
        }
    }
    let signed_by = match &block.signed_by {
        Some(Some(name)) => {
            let place = path.member("signed_by");
            let found = around.issuer(name, place, faults);
            if found.is_some() && found == issuer {
                faults.add(
                    place,
                    "is the program's own issuer; what that has signed is no word of the engine, and proves itself",
                );
            }
            found.map(Some)
        }
        Some(None) => Some(None),
        None => None,
    };
    let subject = block.subject.as_ref()?;
    let names = names?.as_ref().map(|many| {
        let names = many.0.iter().flatten();
        names.map(|name| name.0.clone()).collect()
    });
    let never = never?.iter().flat_map(|many| many.0.iter().flatten());
    Some(SpeaksFor {
        by: block.by?,
        tenants: tenants?,
        who: who?,
        names,
        never: never.map(lower_case).collect(),
        subject: (subject.before.clone(), subject.after.clone()),
        signed_by: signed_by?,
    })
}

fn lower_case(name: &SpokenName) -> Box<str> {
    name.0.to_lowercase().into()
}

/// The identity provider must be able to give tokens of the people, and the gate to ask for them.
fn way_to_tokens(
    block: &SpeaksForBlock,
    path: Path<'_>,
    issuer: IssuerId,
    around: &Surroundings<'_>,
    faults: &mut Faults,
) {
    let Some(at) = around.issuer_block(issuer) else {
        return;
    };
    let place = ISSUERS.member(around.issuer_name(issuer));
    let place = place.member("gate_tokens");
    let mut needs = |what: Path<'_>| {
        faults.add(
            path,
            format!("needs {what}, to get tokens of the people there"),
        );
    };
    match &at.gate_tokens {
        Some(None) => needs(place.member("client")),
        Some(Some(gate_tokens)) => {
            if matches!(gate_tokens.client, Some(None)) {
                needs(place.member("client"));
            }
            if block.by == Some(SpeaksBy::Assertion) && matches!(gate_tokens.assertion, Some(None))
            {
                needs(place.member("assertion"));
            }
        }
        None => {}
    }
    if let (Some(profile), Some(by)) = (at.profile, block.by)
        && let Err(why) = by.word(profile)
    {
        let name = profile.dialect().name;
        let message = format!("is not possible with profile {name}; {why}");
        faults.add(path.member("by"), message);
    }
}

/// Nobody speaks for just anybody.
fn somebody(
    block: &SpeaksForBlock,
    path: Path<'_>,
    around: &Surroundings<'_>,
    faults: &mut Faults,
) {
    let has_tenants = matches!(around.file.tenants, Some(Some(_)));
    match (&block.tenants, &block.who, &block.names) {
        (Some(None), _, _) if has_tenants => faults.add(
            path.member("tenants"),
            "must be set where there are tenants; no engine speaks for everybody's people",
        ),
        (Some(None), Some(None), Some(None)) => faults.add(
            path,
            "must have tenants, who or names; no engine speaks for just anybody",
        ),
        _ => {}
    }
}

/// Each of the tenants must have people of the program's issuer, whose tokens are got.
fn have_people(
    tenants: &[TenantId],
    issuer: IssuerId,
    border: &Checked,
    path: Path<'_>,
    around: &Surroundings<'_>,
    faults: &mut Faults,
) {
    for id in tenants {
        let index = usize::from(id.0);
        let (Some(tenant), Some(true)) =
            (border.tenancy.tenants.get(index), border.sure.get(index))
        else {
            continue;
        };
        let mut people = tenant.who.iter().filter_map(|who| around.whos.get(*who));
        if !people.any(|who| who.issuer == issuer) {
            faults.add(
                path,
                format!(
                    "names {}, which has no people of issuer {}, where the tokens are got",
                    TENANTS.member(&tenant.name),
                    around.issuer_name(issuer)
                ),
            );
        }
    }
}

/// The conditions of the people, sorted.
fn who(
    block: &SpeaksForBlock,
    path: Path<'_>,
    issuer: Option<IssuerId>,
    around: &mut Surroundings<'_>,
    faults: &mut Faults,
) -> Option<Box<[WhoId]>> {
    let people = block.who.as_ref()?.as_ref()?;
    let implied = issuer.map_or(Implied::Unsure, Implied::Is);
    let mut found = Vec::new();
    for (index, condition) in people.conditions.iter().enumerate() {
        let Some(condition) = condition else { continue };
        let place = people.place(&path, index);
        let whose = around.who(condition, place, implied, &mut found, faults);
        if whose.is_some() && issuer.is_some() && whose != issuer {
            faults.add(
                place.member("issuer"),
                "is another one than the program's; the tokens of the people are got there",
            );
        }
    }
    found.sort_unstable();
    found.dedup();
    Some(found.into())
}
