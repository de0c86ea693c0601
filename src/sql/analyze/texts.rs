//! Values whose text an engine writes otherwise than PostgreSQL: what makes it instead.

use sqlparser::ast::Expr;

use super::expr::{Analyzer, BOOL, FLOAT4, FLOAT8, INTERVAL, NUMERIC, RECORD, TEXT, TIMESTAMPTZ};
use super::{Ty, builtin, resolve};
use crate::types::PgType;

const INT2VECTOR: u32 = 22;
const OIDVECTOR: u32 = 30;
const VARCHAR: u32 = 1043;
/// An array of rows.
const RECORDS: u32 = 2287;

impl Analyzer<'_> {
    /// An OID that is some object's prints as its name.
    pub(super) fn shows_name(&mut self, expr: &Expr, ty: Ty) {
        let is_column = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
        let shown = match ty.oid {
            24 => "regproc_out",
            2202 => "regprocedure_out",
            2204 => "regoperator_out",
            2205 => "regclass_out",
            2206 => "regtype_out",
            4089 => "regnamespace_out",
            4096 => "regrole_out",
            _ => return,
        };
        if is_column {
            self.stands_for(expr, shown);
        }
    }

    /// A time of day becomes an interval, which no engine casts.
    pub(super) fn lengthens(&mut self, expr: &Expr, from: u32, to: u32) {
        const TIME: u32 = 1083;
        if from == TIME
            && to == INTERVAL
            && self.has_function.is_some_and(|has| has("time_interval"))
        {
            self.decisions.texts.insert(std::ptr::from_ref(expr), "time_interval");
        }
    }

    /// What a cast makes of a part of a value, or of an array's text, which no engine casts.
    pub(super) fn takes_apart(&mut self, expr: &Expr, from: u32, to: u32) {
        const TIME: u32 = 1083;
        let made = match (from, to) {
            (INTERVAL, TIME) => "interval_time",
            (TEXT | VARCHAR, to) if builtin::element_of(to).is_some_and(resolve::is_plain) => {
                "text_array"
            }
            (TIMESTAMPTZ, TIME) => {
                self.decisions.casts.insert(std::ptr::from_ref(expr), PgType::TIMESTAMP);
                return;
            }
            _ => return,
        };
        if self.has_function.is_some_and(|has| has(made)) {
            self.decisions.texts.insert(std::ptr::from_ref(expr), made);
        }
    }

    /// A value whose text the engine writes otherwise is shown by the catalogue's function.
    pub(super) fn shows_text(&mut self, expr: &Expr, oid: u32) {
        let shown = match oid {
            FLOAT8 => "float8_text",
            FLOAT4 => "float4_text",
            BOOL => "boolout",
            NUMERIC => "numeric_text",
            RECORD => "record_text",
            INT2VECTOR => "int2vectorout",
            OIDVECTOR => "oidvectorout",
            RECORDS => "array_text",
            oid => match builtin::element_of(oid) {
                Some(element) if resolve::is_plain(element) => "array_text",
                _ => return,
            },
        };
        if self.has_function.is_some_and(|has| has(shown)) {
            self.decisions.texts.insert(std::ptr::from_ref(expr), shown);
        }
    }
}
