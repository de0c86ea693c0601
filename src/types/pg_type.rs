//! The table of PostgreSQL's types that Teatree can send and receive.

use serde::{Deserialize, Serialize};

macro_rules! scalar_types {
    ($($name:ident, $upper:ident, $oid:literal, $array_oid:literal, $size:literal, $typname:literal, $sqlname:literal;)*) => {
        /// A type that is not an array.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ScalarType {
            $($name,)*
            /// An enum that a user made, by its OID: its labels travel as text.
            Enum(u32),
        }

        impl ScalarType {
            /// Every built-in scalar type, in the order of the table.
            pub const ALL: &'static [ScalarType] = &[$(ScalarType::$name,)*];

            /// Returns the OID in `pg_type`.
            pub fn oid(self) -> u32 {
                match self { $(ScalarType::$name => $oid,)* ScalarType::Enum(oid) => oid }
            }

            /// Returns the OID of the array type over this type, 0 where there is none.
            pub fn array_oid(self) -> u32 {
                match self {
                    $(ScalarType::$name => $array_oid,)*
                    ScalarType::Enum(oid) => enum_array_oid(oid),
                }
            }

            /// Returns `typlen`: bytes, or -1 for variable length, -2 for a C string.
            pub fn size(self) -> i16 {
                match self { $(ScalarType::$name => $size,)* ScalarType::Enum(_) => 4 }
            }

            /// Returns `typname`, such as `int4`; what holds an enum's labels for an enum.
            pub fn typname(self) -> &'static str {
                match self { $(ScalarType::$name => $typname,)* ScalarType::Enum(_) => "text" }
            }

            /// Returns the SQL name, such as `integer`, as PostgreSQL's messages and `format_type`
            /// have it.
            pub fn sql_name(self) -> &'static str {
                match self { $(ScalarType::$name => $sqlname,)* ScalarType::Enum(_) => "text" }
            }
        }

        impl PgType {
            $(pub const $upper: PgType = PgType::Scalar(ScalarType::$name);)*
        }
    };
}

// name, constant, oid, array oid, typlen, typname, SQL name
scalar_types! {
    Bool, BOOL, 16, 1000, 1, "bool", "boolean";
    Bytea, BYTEA, 17, 1001, -1, "bytea", "bytea";
    Char, CHAR, 18, 1002, 1, "char", "\"char\"";
    Name, NAME, 19, 1003, 64, "name", "name";
    Int8, INT8, 20, 1016, 8, "int8", "bigint";
    Int2, INT2, 21, 1005, 2, "int2", "smallint";
    Int2Vector, INT2VECTOR, 22, 1006, -1, "int2vector", "int2vector";
    Int4, INT4, 23, 1007, 4, "int4", "integer";
    Regproc, REGPROC, 24, 1008, 4, "regproc", "regproc";
    Text, TEXT, 25, 1009, -1, "text", "text";
    Oid, OID, 26, 1028, 4, "oid", "oid";
    Xid, XID, 28, 1011, 4, "xid", "xid";
    Cid, CID, 29, 1012, 4, "cid", "cid";
    OidVector, OIDVECTOR, 30, 1013, -1, "oidvector", "oidvector";
    Json, JSON, 114, 199, -1, "json", "json";
    Xml, XML, 142, 143, -1, "xml", "xml";
    PgNodeTree, PG_NODE_TREE, 194, 0, -1, "pg_node_tree", "pg_node_tree";
    Float4, FLOAT4, 700, 1021, 4, "float4", "real";
    Float8, FLOAT8, 701, 1022, 8, "float8", "double precision";
    Unknown, UNKNOWN, 705, 0, -2, "unknown", "unknown";
    Inet, INET, 869, 1041, -1, "inet", "inet";
    AclItem, ACLITEM, 1033, 1034, 12, "aclitem", "aclitem";
    Bpchar, BPCHAR, 1042, 1014, -1, "bpchar", "character";
    Varchar, VARCHAR, 1043, 1015, -1, "varchar", "character varying";
    Date, DATE, 1082, 1182, 4, "date", "date";
    Time, TIME, 1083, 1183, 8, "time", "time without time zone";
    Timestamp, TIMESTAMP, 1114, 1115, 8, "timestamp", "timestamp without time zone";
    Timestamptz, TIMESTAMPTZ, 1184, 1185, 8, "timestamptz", "timestamp with time zone";
    Interval, INTERVAL, 1186, 1187, 16, "interval", "interval";
    Timetz, TIMETZ, 1266, 1270, 12, "timetz", "time with time zone";
    Numeric, NUMERIC, 1700, 1231, -1, "numeric", "numeric";
    Regprocedure, REGPROCEDURE, 2202, 2207, 4, "regprocedure", "regprocedure";
    Regclass, REGCLASS, 2205, 2210, 4, "regclass", "regclass";
    Regtype, REGTYPE, 2206, 2211, 4, "regtype", "regtype";
    AnyArray, ANYARRAY, 2277, 0, -1, "anyarray", "anyarray";
    Void, VOID, 2278, 0, 4, "void", "void";
    Uuid, UUID, 2950, 2951, 16, "uuid", "uuid";
    PgLsn, PG_LSN, 3220, 3221, 8, "pg_lsn", "pg_lsn";
    Jsonb, JSONB, 3802, 3807, -1, "jsonb", "jsonb";
    Regnamespace, REGNAMESPACE, 4089, 4090, 4, "regnamespace", "regnamespace";
    Regrole, REGROLE, 4096, 4097, 4, "regrole", "regrole";
    Record, RECORD, 2249, 2287, -1, "record", "record";
}

/// A type as the wire names it: a scalar, or an array of any dimension over one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PgType {
    Scalar(ScalarType),
    Array(ScalarType),
}

impl ScalarType {
    /// Tells whether values are OIDs, which may print as names.
    pub fn is_oid(self) -> bool {
        use ScalarType as S;
        matches!(
            self,
            S::Oid
                | S::Xid
                | S::Cid
                | S::Regproc
                | S::Regprocedure
                | S::Regclass
                | S::Regtype
                | S::Regnamespace
                | S::Regrole
        )
    }

    /// Tells whether a type is one that holds any text here.
    pub fn is_text(self) -> bool {
        use ScalarType as S;
        matches!(
            self,
            S::Text
                | S::Varchar
                | S::Bpchar
                | S::Name
                | S::Char
                | S::Unknown
                | S::Void
                | S::Xml
                | S::PgNodeTree
                | S::Inet
                | S::AclItem
                | S::AnyArray
                | S::PgLsn
                | S::Enum(_)
        )
    }
}

/// The OID of the array type over a user's enum, as the catalogue has it: half of all OIDs of
/// users' objects further on.
fn enum_array_oid(oid: u32) -> u32 {
    const FIRST: u32 = 16_384;
    const COUNT: u32 = 1_610_596_352;
    FIRST + (oid.wrapping_sub(FIRST) % COUNT + COUNT / 2) % COUNT
}

impl PgType {
    /// Finds a built-in type by its OID.
    pub fn from_oid(oid: u32) -> Option<PgType> {
        ScalarType::ALL.iter().find_map(|&scalar| match oid {
            0 => None,
            _ if scalar.oid() == oid => Some(PgType::Scalar(scalar)),
            _ if scalar.array_oid() == oid => Some(PgType::Array(scalar)),
            _ => None,
        })
    }

    /// Returns the OID in `pg_type`.
    pub fn oid(self) -> u32 {
        match self {
            PgType::Scalar(scalar) => scalar.oid(),
            PgType::Array(element) => element.array_oid(),
        }
    }

    /// Returns `typlen`: bytes, -1 for variable length.
    pub fn size(self) -> i16 {
        match self {
            PgType::Scalar(scalar) => scalar.size(),
            PgType::Array(_) => -1,
        }
    }

    /// Returns the scalar, or an array's element type.
    pub fn scalar(self) -> ScalarType {
        match self {
            PgType::Scalar(scalar) | PgType::Array(scalar) => scalar,
        }
    }

    /// Tells whether this is an array type.
    pub fn is_array(self) -> bool {
        matches!(self, PgType::Array(_))
    }

    /// Returns the name as PostgreSQL's messages have it, such as `integer` or `text[]`.
    pub fn sql_name(self) -> String {
        match self {
            PgType::Scalar(scalar) => scalar.sql_name().to_owned(),
            PgType::Array(element) => format!("{}[]", element.sql_name()),
        }
    }
}

/// One column of a result or a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub pg_type: PgType,
    /// PostgreSQL's type modifier; -1 where there is none.
    pub typmod: i32,
    /// The column of a table that a result's column shows as it is.
    #[serde(skip)]
    pub origin: Option<Origin>,
}

/// A column of a table, view or relation of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The OID in `pg_class`.
    pub table: u32,
    /// `attnum`, from 1.
    pub number: i16,
}

impl Column {
    /// Makes a column without a type modifier.
    pub fn new(name: impl Into<String>, pg_type: PgType) -> Self {
        Column::with_typmod(name, pg_type, -1)
    }

    /// Makes a column with a type modifier.
    pub fn with_typmod(name: impl Into<String>, pg_type: PgType, typmod: i32) -> Self {
        Column { name: name.into(), pg_type, typmod, origin: None }
    }

    /// Returns precision and scale of a `numeric(p,s)` column.
    pub fn numeric_precision_scale(&self) -> Option<(u8, i8)> {
        if self.pg_type.scalar() != ScalarType::Numeric || self.typmod < 4 {
            return None;
        }
        let packed = self.typmod - 4;
        Some((u8::try_from(packed >> 16).ok()?, i8::try_from(packed & 0x7ff).ok()?))
    }
}

/// Packs the type modifier of `numeric(precision, scale)`.
pub fn numeric_typmod(precision: u8, scale: u8) -> i32 {
    ((i32::from(precision) << 16) | i32::from(scale)) + 4
}
