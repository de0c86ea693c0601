//! Which function or operator a call means: PostgreSQL's rules of overloading.
//!
//! Follows chapter 10 of PostgreSQL's manual ("Type Conversion") and `parse_func.c`.

use super::builtin::{self, Proc, array_of, casts_implicitly, element_of, type_info};
use super::{ANY, UNKNOWN, UNTYPED};

const ANYARRAY: u32 = 2277;
const ANYELEMENT: u32 = 2283;
const ANYNONARRAY: u32 = 2776;
const ANYENUM: u32 = 3500;
/// OIDs of what users make begin here: of all types only enums.
const FIRST_OF_USERS: u32 = 16_384;
const ANYCOMPATIBLE: u32 = 5077;
const ANYCOMPATIBLEARRAY: u32 = 5078;
const ANYCOMPATIBLENONARRAY: u32 = 5079;
const TEXT: u32 = 25;
const INT2VECTOR: u32 = 22;
const OIDVECTOR: u32 = 30;

/// What a call was resolved to.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    pub(super) result: u32,
    /// The types that the arguments become.
    pub(super) args: Vec<u32>,
    pub(super) columns: &'static [(String, u32)],
    /// What PostgreSQL's own code for it is called; empty when that is not known.
    pub(super) source: &'static str,
    pub(super) is_set: bool,
}

impl Resolved {
    fn new(proc_: &'static Proc, result: u32, args: Vec<u32>) -> Resolved {
        Resolved {
            result,
            args,
            columns: &proc_.columns,
            source: proc_.source,
            is_set: proc_.is_set,
        }
    }
}

/// A candidate with as many argument types as the call has.
struct Candidate {
    proc_: &'static Proc,
    args: Vec<u32>,
}

/// Finds the function that a call means; `None` if there is none, or more than one, or if it cannot
/// be told.
pub(super) fn function(name: &str, given: &[u32]) -> Option<Resolved> {
    resolve(builtin::procs(name), given)
}

/// Finds the operator that stands between two types, or before one.
pub(super) fn operator(name: &str, given: &[u32]) -> Option<Resolved> {
    // `!=` is only another spelling.
    let candidates = builtin::operators(if name == "!=" { "<>" } else { name });
    if let [left, right] = *given {
        let same = match (left == UNKNOWN, right == UNKNOWN) {
            (true, false) => Some([right, right]),
            (false, true) => Some([left, left]),
            _ => None,
        };
        if let Some(same) = same
            && let Some(exact) = candidates.iter().find(|operator| operator.args == same)
        {
            return Some(Resolved::new(exact, exact.result, same.to_vec()));
        }
    }
    resolve(candidates, given)
}

fn resolve(all: &'static [Proc], given: &[u32]) -> Option<Resolved> {
    let mut candidates: Vec<Candidate> =
        all.iter().filter_map(|proc_| fit_count(proc_, given.len())).collect();
    if given.contains(&UNTYPED) {
        // One argument's type is DuckDB's secret: what all candidates give is known even so.
        let first = candidates.first()?.proc_;
        let agreed = candidates.iter().all(|one| one.proc_.result == first.result);
        return (agreed && !is_polymorphic(first.result)).then(|| Resolved {
            source: if candidates.len() == 1 { first.source } else { "" },
            ..Resolved::new(first, first.result, vec![UNTYPED; given.len()])
        });
    }
    if let Some(exact) = candidates.iter().find(|one| one.args == given) {
        return finish(exact, given);
    }
    candidates.retain(|one| one.args.iter().zip(given).all(|(&to, &from)| can_become(from, to)));
    if !given.contains(&UNKNOWN) {
        // What is known must fit together: `a[] || a[]` is no array and an element.
        candidates.retain(|one| finish(one, given).is_some());
    }
    let best = choose(candidates, given)?;
    finish(&best, given)
}

/// Gives a candidate the argument types of a call with so many arguments.
fn fit_count(proc_: &'static Proc, count: usize) -> Option<Candidate> {
    let most = proc_.args.len();
    if proc_.variadic != 0 && count >= most {
        let mut args = proc_.args[..most - 1].to_vec();
        args.resize(count, proc_.variadic);
        return Some(Candidate { proc_, args });
    }
    (count <= most && count + proc_.defaults >= most)
        .then(|| Candidate { proc_, args: proc_.args[..count].to_vec() })
}

/// Narrows candidates down to one, by PostgreSQL's steps.
fn choose(mut candidates: Vec<Candidate>, given: &[u32]) -> Option<Candidate> {
    if candidates.len() > 1 {
        keep_most(&mut candidates, |one| {
            one.args.iter().zip(given).filter(|&(to, from)| from != &UNKNOWN && to == from).count()
        });
    }
    if candidates.len() > 1 {
        keep_most(&mut candidates, |one| {
            let counts = |(&to, &from): (&u32, &u32)| {
                from != UNKNOWN
                    && (to == from || category(to) == category(from) && is_preferred(to))
            };
            one.args.iter().zip(given).filter(|&pair| counts(pair)).count()
        });
    }
    if candidates.len() > 1 && given.contains(&UNKNOWN) {
        by_category(&mut candidates, given);
    }
    if candidates.len() > 1 {
        by_known(&mut candidates, given);
    }
    if candidates.len() == 1 { candidates.pop() } else { None }
}

fn keep_most(candidates: &mut Vec<Candidate>, count: impl Fn(&Candidate) -> usize) {
    let most = candidates.iter().map(&count).max().unwrap_or(0);
    candidates.retain(|one| count(one) == most);
}

/// An unknown argument is of the category string if any candidate takes one, else of the category
/// that all candidates agree on; the preferred type of it wins.
fn by_category(candidates: &mut Vec<Candidate>, given: &[u32]) {
    for (place, _) in given.iter().enumerate().filter(|&(_, &from)| from == UNKNOWN) {
        let of = |one: &Candidate| category(one.args[place]);
        let Some(first) = candidates.first().map(of) else { return };
        let chosen = if candidates.iter().any(|one| of(one) == b'S') {
            b'S'
        } else if candidates.iter().all(|one| of(one) == first) {
            first
        } else {
            return;
        };
        let preferred =
            candidates.iter().any(|one| of(one) == chosen && is_preferred(one.args[place]));
        let fits =
            |one: &Candidate| of(one) == chosen && (!preferred || is_preferred(one.args[place]));
        if candidates.iter().any(fits) {
            candidates.retain(fits);
        }
    }
}

/// If all known arguments have one type, the unknown ones are taken for it.
fn by_known(candidates: &mut Vec<Candidate>, given: &[u32]) {
    let mut known = given.iter().filter(|&&from| from != UNKNOWN);
    let Some(&first) = known.next() else { return };
    if !given.contains(&UNKNOWN) || known.any(|&other| other != first) {
        return;
    }
    let same = vec![first; given.len()];
    candidates.retain(|one| {
        one.args.iter().all(|&to| can_become(first, to)) && finish(one, &same).is_some()
    });
}

/// Tells whether there is surely no such operator between two types.
pub(super) fn lacks_operator(name: &str, given: [u32; 2]) -> bool {
    let candidates = builtin::operators(if name == "!=" { "<>" } else { name });
    let fits = |one: &Proc| {
        one.args.len() == 2 && one.args.iter().zip(given).all(|(&to, from)| can_become(from, to))
    };
    given.into_iter().all(is_plain) && !candidates.is_empty() && !candidates.iter().any(fits)
}

/// Tells whether a type means the same to an engine as to PostgreSQL, or is an array of such.
pub(super) fn is_plain(oid: u32) -> bool {
    // bool, bytea, int8, int2, int4, text, json, floats, char(n), varchar, dates and times,
    // numeric, uuid, jsonb
    const PLAIN: [u32; 20] = [
        16, 17, 20, 21, 23, 25, 114, 700, 701, 1042, 1043, 1082, 1083, 1114, 1184, 1186, 1266,
        1700, 2950, 3802,
    ];
    PLAIN.contains(&oid) || element_of(oid).is_some_and(|element| PLAIN.contains(&element))
}

pub(super) fn category(oid: u32) -> u8 {
    type_info(oid).map_or(b'U', |info| info.category)
}

fn is_preferred(oid: u32) -> bool {
    type_info(oid).is_some_and(|info| info.preferred)
}

pub(super) fn is_polymorphic(oid: u32) -> bool {
    matches!(
        oid,
        ANYARRAY
            | ANYELEMENT
            | ANYNONARRAY
            | ANYENUM
            | ANYCOMPATIBLE
            | ANYCOMPATIBLEARRAY
            | ANYCOMPATIBLENONARRAY
            | 3831
            | 4537
            | 4538
            | 5080
    )
}

/// Tells whether a value of one type may stand where another is wanted, without a cast.
pub(super) fn can_become(from: u32, to: u32) -> bool {
    if from == to || to == ANY || from == UNKNOWN {
        return true;
    }
    match to {
        ANYELEMENT | ANYCOMPATIBLE => true,
        ANYENUM => from >= FIRST_OF_USERS,
        ANYARRAY | ANYCOMPATIBLEARRAY => element_of(from).is_some(),
        ANYNONARRAY | ANYCOMPATIBLENONARRAY => element_of(from).is_none(),
        // Vectors of the catalogue are no arrays that elements are cast to.
        INT2VECTOR | OIDVECTOR => casts_implicitly(from, to),
        _ => {
            casts_implicitly(from, to)
                || matches!((element_of(from), element_of(to)), (Some(a), Some(b))
                    if casts_implicitly(a, b))
        }
    }
}

/// Puts types in the place of polymorphic ones.
fn finish(best: &Candidate, given: &[u32]) -> Option<Resolved> {
    let mut element = None;
    let mut compatible = Vec::new();
    for (&to, &from) in best.args.iter().zip(given) {
        let inner = match to {
            ANYARRAY | ANYCOMPATIBLEARRAY if from != UNKNOWN => element_of(from)?,
            _ => from,
        };
        match to {
            ANYELEMENT | ANYARRAY | ANYNONARRAY | ANYENUM if inner != UNKNOWN => {
                element = element.or(Some(inner));
            }
            ANYCOMPATIBLEARRAY if from == UNKNOWN => {}
            ANYCOMPATIBLE | ANYCOMPATIBLEARRAY | ANYCOMPATIBLENONARRAY => compatible.push(inner),
            _ => {}
        }
    }
    let has_compatible = !compatible.is_empty();
    let compatible = has_compatible.then(|| common(&compatible)).flatten();
    if has_compatible && compatible.is_none() {
        return None;
    }
    let concrete = |oid| match oid {
        ANYELEMENT | ANYNONARRAY | ANYENUM => element,
        ANYARRAY => element.and_then(array_of),
        ANYCOMPATIBLE | ANYCOMPATIBLENONARRAY => compatible,
        ANYCOMPATIBLEARRAY => compatible.and_then(array_of),
        other if is_polymorphic(other) => None,
        other => Some(other),
    };
    let args = best.args.iter().map(|&to| concrete(to).unwrap_or(UNKNOWN)).collect();
    Some(Resolved::new(best.proc_, concrete(best.proc_.result)?, args))
}

/// The type that values of several types share: of a CASE, a UNION, an array. `None` when there is
/// none.
pub(super) fn common(types: &[u32]) -> Option<u32> {
    if types.contains(&UNTYPED) {
        return None;
    }
    let mut known = types.iter().copied().filter(|&oid| oid != UNKNOWN);
    let Some(mut chosen) = known.next() else { return Some(TEXT) };
    for other in known {
        if other == chosen {
            continue;
        }
        if category(other) != category(chosen) {
            return None;
        }
        if !is_preferred(chosen) && can_become(chosen, other) && !can_become(other, chosen) {
            chosen = other;
        }
    }
    Some(chosen)
}
