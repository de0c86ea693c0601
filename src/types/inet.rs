//! The binary form of `inet` and `cidr`, whose values are texts here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// PostgreSQL's numbers for the families.
const IPV4: u8 = 2;
const IPV6: u8 = 3;

/// Writes an address with its mask from its text: family, bits, whether it is a network, length,
/// address. `None` for a text that is no address.
pub(crate) fn to_binary(text: &str) -> Option<Vec<u8>> {
    let (address, bits) = match text.trim().split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text.trim(), None),
    };
    let (family, most, bytes) = match address.parse().ok()? {
        IpAddr::V4(address) => (IPV4, 32, address.octets().to_vec()),
        IpAddr::V6(address) => (IPV6, 128, address.octets().to_vec()),
    };
    let bits = bits.unwrap_or(most);
    if bits > most {
        return None;
    }
    let length = u8::try_from(bytes.len()).ok()?;
    Some([&[family, bits, 0, length], bytes.as_slice()].concat())
}

/// Reads the text of an address from its binary form; `None` for what is none.
pub(crate) fn from_binary(bytes: &[u8]) -> Option<String> {
    let (&[family, bits, _, length], address) = bytes.split_first_chunk::<4>()?;
    if usize::from(length) != address.len() {
        return None;
    }
    let (address, most) = match family {
        IPV4 => (IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(address).ok()?)), 32),
        IPV6 => (IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(address).ok()?)), 128),
        _ => return None,
    };
    match bits {
        bits if bits == most => Some(address.to_string()),
        bits if bits < most => Some(format!("{address}/{bits}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_back() {
        for text in ["192.168.0.1", "10.0.0.0/8", "::1", "2001:db8::/32"] {
            assert_eq!(from_binary(&to_binary(text).unwrap()).as_deref(), Some(text));
        }
        assert_eq!(to_binary("192.168.0.1").unwrap(), [2, 32, 0, 4, 192, 168, 0, 1]);
        assert!(to_binary("300.1.1.1").is_none() && to_binary("1.1.1.1/33").is_none());
        assert!(from_binary(&[2, 32, 0, 4, 1]).is_none());
    }
}
