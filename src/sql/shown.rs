//! An expression of a definition as PostgreSQL prints it: with its casts and parentheses. It is
//! read from DuckDB's text, so that it follows the names of columns.
//!
//! What is not known here is shown as it stands.

use sqlparser::ast::{
    self, BinaryOperator, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments,
    UnaryOperator, Value,
};

use super::declared_type::pg_type_of;
use super::rewrite;
use crate::types::PgType;

/// The columns of a table with PostgreSQL's names of their types.
pub type ColumnTypes<'a> = &'a [(&'a str, &'a str)];

/// Writes an expression as `pg_get_expr` does; `pretty` leaves out the parentheses that need not be
/// there. `None` for what is not known.
pub fn shown_expression(text: &str, columns: ColumnTypes<'_>, pretty: bool) -> Option<String> {
    let mut trees = rewrite::parse(&format!("SELECT ({text})")).ok()?;
    let ast::Statement::Query(query) = trees.pop()? else { return None };
    let ast::SetExpr::Select(select) = *query.body else { return None };
    let [ast::SelectItem::UnnamedExpr(expr)] = select.projection.as_slice() else { return None };
    let shown = Printer { columns, pretty }.print(expr)?;
    Some(if pretty { shown.text } else { shown.wrapped() })
}

/// How tightly a printed expression holds together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A column, a literal, a call.
    Atom,
    /// A sum or difference.
    Sum,
    /// A product, quotient or rest.
    Product,
    /// Another operator, a comparison among them.
    Operator,
    Cast,
    /// `IS NULL` and its like.
    Test,
    And,
    Or,
    Not,
}

/// A literal may become of another type without a cast of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Integer,
    Decimal,
    Text,
    Other,
}

#[derive(Clone, Debug)]
struct Shown {
    /// Without parentheses around it.
    text: String,
    form: Form,
    /// PostgreSQL's name of the type; empty where it is not known.
    type_name: String,
    source: Source,
}

impl Shown {
    fn new(text: impl Into<String>, form: Form, type_name: &str) -> Shown {
        let type_name = type_name.to_owned();
        Shown { text: text.into(), form, type_name, source: Source::Other }
    }

    fn wrapped(&self) -> String {
        match self.form {
            // A cast stands in parentheses only where something else stands around it.
            Form::Atom | Form::Cast => self.text.clone(),
            _ => format!("({})", self.text),
        }
    }
}

struct Printer<'a> {
    columns: ColumnTypes<'a>,
    pretty: bool,
}

impl Printer<'_> {
    fn print(&self, expr: &Expr) -> Option<Shown> {
        Some(match expr {
            Expr::Nested(inner) => self.print(inner)?,
            Expr::Identifier(ident) => self.column(&ident.value),
            Expr::Value(value) => literal(&value.value)?,
            Expr::Cast { expr, data_type, .. } => self.cast(expr, data_type)?,
            Expr::UnaryOp { op, expr } => self.unary(*op, expr)?,
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right)?,
            Expr::IsNull(inner) => self.test(inner, "IS NULL")?,
            Expr::IsNotNull(inner) => self.test(inner, "IS NOT NULL")?,
            Expr::IsTrue(inner) => self.test(inner, "IS TRUE")?,
            Expr::IsFalse(inner) => self.test(inner, "IS FALSE")?,
            Expr::Between { expr, negated, low, high } => {
                let (above, below, join) = match negated {
                    false => (BinaryOperator::GtEq, BinaryOperator::LtEq, Form::And),
                    true => (BinaryOperator::Lt, BinaryOperator::Gt, Form::Or),
                };
                let both = [self.binary(expr, &above, low)?, self.binary(expr, &below, high)?];
                self.joined(&both, join)
            }
            Expr::InList { expr, list, negated } => self.in_list(expr, list, *negated)?,
            Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                self.operator(expr, if *negated { "!~~" } else { "~~" }, pattern)?
            }
            Expr::ILike { negated, any: false, expr, pattern, escape_char: None } => {
                self.operator(expr, if *negated { "!~~*" } else { "~~*" }, pattern)?
            }
            Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => {
                self.in_list(left, elements(right)?, false)?
            }
            Expr::AllOp { left, compare_op: BinaryOperator::NotEq, right } => {
                self.in_list(left, elements(right)?, true)?
            }
            Expr::Function(function) => self.call(function)?,
            _ => return None,
        })
    }

    fn column(&self, name: &str) -> Shown {
        let found = self.columns.iter().find(|(column, _)| *column == name);
        let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit());
        let text = if plain { name.to_owned() } else { super::quote_ident(name) };
        Shown::new(text, Form::Atom, found.map_or("", |(_, type_name)| type_name))
    }

    fn cast(&self, inner: &Expr, data_type: &DataType) -> Option<Shown> {
        let target = type_name(data_type)?;
        let inner = self.print(inner)?;
        if target == "boolean" && matches!(inner.text.as_str(), "'t'" | "'f'") {
            let text = if inner.text == "'t'" { "true" } else { "false" };
            return Some(Shown::new(text, Form::Atom, "boolean"));
        }
        if inner.type_name == target && inner.source == Source::Other {
            return Some(inner);
        }
        Some(self.cast_to(&inner, &target))
    }

    fn cast_to(&self, inner: &Shown, target: &str) -> Shown {
        let bare = inner.source == Source::Text
            || inner.form == Form::Cast && inner.text.starts_with('\'') && self.pretty
            || self.pretty && inner.form == Form::Atom;
        let text = match bare {
            true => format!("{}::{target}", inner.text),
            false => format!("({})::{target}", inner.text),
        };
        Shown::new(text, Form::Cast, target)
    }

    fn unary(&self, op: UnaryOperator, inner: &Expr) -> Option<Shown> {
        let inner = self.print(inner)?;
        match op {
            UnaryOperator::Not => {
                let text = format!("NOT {}", self.within(&inner, Form::Not, false));
                Some(Shown::new(text, Form::Not, "boolean"))
            }
            UnaryOperator::Minus if inner.source != Source::Other => {
                let mut shown =
                    Shown::new(format!("'-{}'", inner.text), Form::Atom, &inner.type_name);
                shown.text = format!("{}::{}", shown.text, inner.type_name);
                shown.form = Form::Cast;
                Some(shown)
            }
            UnaryOperator::Minus => {
                let text = format!("- {}", self.within(&inner, Form::Operator, false));
                Some(Shown::new(text, Form::Operator, &inner.type_name))
            }
            _ => None,
        }
    }

    fn test(&self, inner: &Expr, word: &str) -> Option<Shown> {
        let inner = self.print(inner)?;
        let text = format!("{} {word}", self.within(&inner, Form::Test, false));
        Some(Shown::new(text, Form::Test, "boolean"))
    }

    fn binary(&self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Option<Shown> {
        let word = match op {
            BinaryOperator::And | BinaryOperator::Or => {
                let form = if *op == BinaryOperator::And { Form::And } else { Form::Or };
                let both = [self.print(left)?, self.print(right)?];
                return Some(self.joined(&both, form));
            }
            BinaryOperator::Plus => "+",
            BinaryOperator::Minus => "-",
            BinaryOperator::Multiply => "*",
            BinaryOperator::Divide => "/",
            BinaryOperator::Modulo => "%",
            BinaryOperator::Eq => "=",
            BinaryOperator::NotEq => "<>",
            BinaryOperator::Lt => "<",
            BinaryOperator::LtEq => "<=",
            BinaryOperator::Gt => ">",
            BinaryOperator::GtEq => ">=",
            BinaryOperator::StringConcat => "||",
            BinaryOperator::PGLikeMatch => "~~",
            BinaryOperator::PGNotLikeMatch => "!~~",
            BinaryOperator::PGILikeMatch => "~~*",
            BinaryOperator::PGNotILikeMatch => "!~~*",
            _ => return None,
        };
        self.operator(left, word, right)
    }

    fn operator(&self, left: &Expr, word: &str, right: &Expr) -> Option<Shown> {
        let (left, right) = (self.print(left)?, self.print(right)?);
        let common = common_type(&left, &right, word);
        let (left, right) = (self.coerced(left, &common), self.coerced(right, &common));
        let (form, result) = match word {
            "+" | "-" => (Form::Sum, common.as_str()),
            "*" | "/" | "%" => (Form::Product, common.as_str()),
            "||" => (Form::Operator, "text"),
            _ => (Form::Operator, "boolean"),
        };
        let text = format!(
            "{} {word} {}",
            self.within(&left, form, true),
            self.within(&right, form, false)
        );
        Some(Shown::new(text, form, result))
    }

    /// Joins conditions; those on the left that are joined likewise are not nested.
    fn joined(&self, parts: &[Shown; 2], form: Form) -> Shown {
        let [left, right] = parts;
        let word = if form == Form::And { "AND" } else { "OR" };
        let left =
            if left.form == form { left.text.clone() } else { self.within(left, form, true) };
        let text = format!("{left} {word} {}", self.within(right, form, false));
        Shown::new(text, form, "boolean")
    }

    fn in_list(&self, expr: &Expr, list: &[Expr], negated: bool) -> Option<Shown> {
        let left = self.print(expr)?;
        let items = list.iter().map(|item| self.print(item)).collect::<Option<Vec<_>>>()?;
        let first = items.first()?;
        let common = common_type(&left, first, "=");
        let left = self.coerced(left.clone(), &common);
        let items: Vec<String> =
            items.into_iter().map(|item| self.coerced(item, &common).text).collect();
        let word = if negated { "<> ALL" } else { "= ANY" };
        let text = format!(
            "{} {word} (ARRAY[{}])",
            self.within(&left, Form::Operator, true),
            items.join(", ")
        );
        Some(Shown::new(text, Form::Operator, "boolean"))
    }

    fn call(&self, function: &ast::Function) -> Option<Shown> {
        let name = function.name.0.last()?.as_ident()?.value.clone();
        let own = matches!(function.name.to_string().as_str(),
            text if text == name || text.starts_with("teatree_system.pg."));
        let FunctionArguments::List(arguments) = &function.args else { return None };
        if !own || function.over.is_some() || function.filter.is_some() {
            return None;
        }
        let mut args = Vec::new();
        for arg in &arguments.args {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)) = arg else { return None };
            let arg = self.print(arg)?;
            let arg = match arg.source {
                Source::Text => self.coerced(arg, "text"),
                _ if arg.type_name == "character varying" => self.coerced(arg, "text"),
                _ => arg,
            };
            args.push(arg);
        }
        let lower = name.to_lowercase();
        let result = match lower.as_str() {
            "length" | "char_length" | "ascii" | "octet_length" => "integer",
            "lower" | "upper" | "trim" | "btrim" | "ltrim" | "rtrim" | "concat" | "substr"
            | "replace" | "left" | "right" | "reverse" => "text",
            "abs" | "coalesce" | "greatest" | "least" => args.first().map_or("", |a| &a.type_name),
            _ => "",
        };
        let shown_name = match lower.as_str() {
            "coalesce" | "greatest" | "least" | "nullif" => lower.to_uppercase(),
            _ => name,
        };
        let texts: Vec<&str> = args.iter().map(|arg| arg.text.as_str()).collect();
        Some(Shown::new(format!("{shown_name}({})", texts.join(", ")), Form::Atom, result))
    }

    /// Writes the cast that PostgreSQL adds by itself.
    fn coerced(&self, shown: Shown, target: &str) -> Shown {
        let is_int = |name: &str| matches!(name, "smallint" | "integer" | "bigint");
        let same = shown.type_name == target && shown.source != Source::Text;
        let is_unknown = shown.type_name.is_empty() && shown.source == Source::Other;
        if target.is_empty() || is_unknown || same || is_int(&shown.type_name) && is_int(target) {
            return shown;
        }
        self.cast_to(&shown, target)
    }

    /// Writes an expression inside of another, in parentheses where they are needed.
    fn within(&self, inner: &Shown, outer: Form, is_left: bool) -> String {
        let bare = match inner.form {
            Form::Atom | Form::Cast => true,
            _ if !self.pretty => false,
            Form::Product if outer == Form::Sum => true,
            Form::Product | Form::Sum if outer == inner.form => is_left,
            Form::Operator | Form::Sum | Form::Product | Form::Test => {
                matches!(outer, Form::And | Form::Or | Form::Not)
            }
            Form::And => outer == Form::Or,
            Form::Or | Form::Not => false,
        };
        if bare { inner.text.clone() } else { format!("({})", inner.text) }
    }
}

/// The elements of an array that is written out.
fn elements(array: &Expr) -> Option<&[Expr]> {
    match array {
        Expr::Nested(inner) => elements(inner),
        Expr::Array(array) => Some(&array.elem),
        _ => None,
    }
}

fn literal(value: &Value) -> Option<Shown> {
    let (text, type_name, source) = match value {
        Value::Number(text, _) if text.contains(['.', 'e', 'E']) => {
            (text.clone(), "numeric", Source::Decimal)
        }
        Value::Number(text, _) => {
            let fits = text.parse::<i32>().is_ok();
            (text.clone(), if fits { "integer" } else { "bigint" }, Source::Integer)
        }
        Value::SingleQuotedString(text) => {
            (format!("'{}'", text.replace('\'', "''")), "text", Source::Text)
        }
        Value::Boolean(is_true) => (is_true.to_string(), "boolean", Source::Other),
        Value::Null => ("NULL".to_owned(), "", Source::Other),
        _ => return None,
    };
    let mut shown = Shown::new(text, Form::Atom, type_name);
    shown.source = source;
    Some(shown)
}

/// The type that both sides of an operator are made of.
fn common_type(left: &Shown, right: &Shown, word: &str) -> String {
    fn of(shown: &Shown) -> Option<&str> {
        match shown.source {
            Source::Text => None,
            _ => Some(shown.type_name.as_str()).filter(|name| !name.is_empty()),
        }
    }
    let is_text = |name: &str| matches!(name, "text" | "character varying");
    if word == "||" || word.contains("~~") {
        return "text".to_owned();
    }
    let common = match (of(left), of(right)) {
        // A text in quotes becomes what the other side is.
        (Some(other), None) | (None, Some(other)) if is_text(other) => "text",
        (Some("character"), None) | (None, Some("character")) => "bpchar",
        (Some(other), None) | (None, Some(other)) => {
            let known = left.source == Source::Text || right.source == Source::Text;
            if known { other } else { "" }
        }
        (Some(left), Some(right)) if is_text(left) && is_text(right) => "text",
        (Some(left), Some(right)) => common_number(left, right),
        (None, None) if left.source == Source::Text || right.source == Source::Text => "text",
        (None, None) => "",
    };
    common.to_owned()
}

fn common_number<'a>(left: &'a str, right: &'a str) -> &'a str {
    let rank = |name: &str| {
        let order = ["smallint", "integer", "bigint", "numeric", "real", "double precision"];
        order.iter().position(|known| *known == name)
    };
    match (rank(left), rank(right)) {
        (Some(l), Some(r)) if l == r => left,
        // Of both kinds of floats, PostgreSQL prefers the longer.
        (Some(l), Some(r)) if l.max(r) >= 4 => "double precision",
        (Some(l), Some(r)) => {
            if l > r {
                left
            } else {
                right
            }
        }
        _ => "",
    }
}

/// PostgreSQL's name for a type as DuckDB writes it.
fn type_name(data_type: &DataType) -> Option<String> {
    let pg_type = match data_type {
        // DuckDB has one type of text.
        DataType::Varchar(None) => PgType::TEXT,
        other => pg_type_of(other)?.0,
    };
    Some(match pg_type {
        PgType::TEXT => "text".to_owned(),
        PgType::INT2 => "smallint".to_owned(),
        PgType::INT4 => "integer".to_owned(),
        PgType::INT8 => "bigint".to_owned(),
        PgType::FLOAT4 => "real".to_owned(),
        PgType::FLOAT8 => "double precision".to_owned(),
        PgType::NUMERIC => "numeric".to_owned(),
        PgType::BOOL => "boolean".to_owned(),
        PgType::DATE => "date".to_owned(),
        PgType::TIMESTAMP => "timestamp without time zone".to_owned(),
        PgType::TIMESTAMPTZ => "timestamp with time zone".to_owned(),
        PgType::UUID => "uuid".to_owned(),
        PgType::INTERVAL => "interval".to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::shown_expression;

    const COLUMNS: [(&str, &str); 6] = [
        ("n", "integer"),
        ("weight", "numeric"),
        ("t", "text"),
        ("v", "character varying"),
        ("d", "date"),
        ("f", "double precision"),
    ];

    #[test]
    fn expressions_are_shown_as_postgresql_does() {
        for (text, full, pretty) in [
            ("weight > 0", "(weight > (0)::numeric)", "weight > 0::numeric"),
            ("(n BETWEEN 1 AND 5)", "((n >= 1) AND (n <= 5))", "n >= 1 AND n <= 5"),
            (
                "t IN ('a', 'b')",
                "(t = ANY (ARRAY['a'::text, 'b'::text]))",
                "t = ANY (ARRAY['a'::text, 'b'::text])",
            ),
            ("v = 'x'", "((v)::text = 'x'::text)", "v::text = 'x'::text"),
            ("(length(t) > 3)", "(length(t) > 3)", "length(t) > 3"),
            (
                "(n > 0) AND (weight < 10.5)",
                "((n > 0) AND (weight < 10.5))",
                "n > 0 AND weight < 10.5",
            ),
            ("(n + 1) * 2", "((n + 1) * 2)", "(n + 1) * 2"),
            ("n > -5", "(n > '-5'::integer)", "n > '-5'::integer"),
            ("d > '2020-01-01'", "(d > '2020-01-01'::date)", "d > '2020-01-01'::date"),
            ("f > 0", "(f > (0)::double precision)", "f > 0::double precision"),
            ("t IS NOT NULL", "(t IS NOT NULL)", "t IS NOT NULL"),
            ("NOT (n > 0)", "(NOT (n > 0))", "NOT n > 0"),
            ("lower(v)", "lower((v)::text)", "lower(v::text)"),
            ("t LIKE 'a%'", "(t ~~ 'a%'::text)", "t ~~ 'a%'::text"),
        ] {
            assert_eq!(shown_expression(text, &COLUMNS, false).as_deref(), Some(full), "{text}");
            assert_eq!(shown_expression(text, &COLUMNS, true).as_deref(), Some(pretty), "{text}");
        }
        assert_eq!(shown_expression("n COLLATE x || ", &COLUMNS, false), None);
    }
}
