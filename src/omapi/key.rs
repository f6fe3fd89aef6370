//! Signatures: the HMAC family of RFC 2104 over MD5 and the SHA functions, as dhcpd.conf's `key` declares it.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use std::fmt;

/// An `algorithm` of a `key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    HmacMd5,
    HmacSha1,
    HmacSha224,
    HmacSha256,
    HmacSha384,
    HmacSha512,
}

/// What ISC puts behind an algorithm's name that has no dot.
const DOMAIN: &str = ".SIG-ALG.REG.INT.";

const NAMES: [(&str, Algorithm); 6] = [
    ("hmac-md5", Algorithm::HmacMd5),
    ("hmac-sha1", Algorithm::HmacSha1),
    ("hmac-sha224", Algorithm::HmacSha224),
    ("hmac-sha256", Algorithm::HmacSha256),
    ("hmac-sha384", Algorithm::HmacSha384),
    ("hmac-sha512", Algorithm::HmacSha512),
];

impl Algorithm {
    /// From its name with the domain and the dot at the end, in any case.
    pub fn from_full_name(name: &str) -> Option<Algorithm> {
        let (short, domain) = name.split_at_checked(name.len().checked_sub(DOMAIN.len())?)?;
        let (_, algorithm) = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(short))?;
        domain.eq_ignore_ascii_case(DOMAIN).then_some(*algorithm)
    }

    /// Octets of a signature.
    pub fn signature_length(self) -> u32 {
        match self {
            Algorithm::HmacMd5 => 16,
            Algorithm::HmacSha1 => 20,
            Algorithm::HmacSha224 => 28,
            Algorithm::HmacSha256 => 32,
            Algorithm::HmacSha384 => 48,
            Algorithm::HmacSha512 => 64,
        }
    }
}

/// An algorithm and its secret, ready to be used again and again.
#[derive(Clone)]
pub struct Key {
    algorithm: Algorithm,
    state: State,
}

#[derive(Clone)]
enum State {
    Md5(Hmac<Md5>),
    Sha1(Hmac<Sha1>),
    Sha224(Hmac<Sha224>),
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

// The secret is nobody's business.
impl fmt::Debug for Key {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Key").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// The same call for each function of the family.
macro_rules! with_state {
    ($state:expr, $mac:ident => $what:expr) => {
        match $state {
            State::Md5($mac) => $what,
            State::Sha1($mac) => $what,
            State::Sha224($mac) => $what,
            State::Sha256($mac) => $what,
            State::Sha384($mac) => $what,
            State::Sha512($mac) => $what,
        }
    };
}

impl Key {
    /// `secret`: octets, not base64; of any length.
    pub fn new(algorithm: Algorithm, secret: &[u8]) -> Key {
        let fits = "a secret of any length is taken";
        let state = match algorithm {
            Algorithm::HmacMd5 => State::Md5(Hmac::new_from_slice(secret).expect(fits)),
            Algorithm::HmacSha1 => State::Sha1(Hmac::new_from_slice(secret).expect(fits)),
            Algorithm::HmacSha224 => State::Sha224(Hmac::new_from_slice(secret).expect(fits)),
            Algorithm::HmacSha256 => State::Sha256(Hmac::new_from_slice(secret).expect(fits)),
            Algorithm::HmacSha384 => State::Sha384(Hmac::new_from_slice(secret).expect(fits)),
            Algorithm::HmacSha512 => State::Sha512(Hmac::new_from_slice(secret).expect(fits)),
        };
        Key { algorithm, state }
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Appends the signature of `octets`.
    pub fn sign(&self, octets: &[u8], out: &mut Vec<u8>) {
        with_state!(&self.state, mac => {
            let mut mac = mac.clone();
            mac.update(octets);
            out.extend_from_slice(&mac.finalize().into_bytes());
        });
    }

    /// Whether it is the whole signature of `octets`; takes the same time whatever differs.
    pub fn verify(&self, octets: &[u8], signature: &[u8]) -> bool {
        with_state!(&self.state, mac => {
            let mut mac = mac.clone();
            mac.update(octets);
            mac.verify_slice(signature).is_ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2202 and RFC 4231, test case 2.
    #[test]
    fn the_vectors_of_the_standards() {
        let hex = |text: &str| -> Vec<u8> {
            let octet = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
            (0..text.len()).step_by(2).map(octet).collect()
        };
        for (algorithm, expected) in [
            ("hmac-md5", "750c783e6ab0b503eaa86e310a5db738"),
            ("hmac-sha1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            ("hmac-sha224", "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"),
            ("hmac-sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (
                "hmac-sha384",
                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
            ),
            (
                "hmac-sha512",
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
        ] {
            let full = format!("{algorithm}.sig-ALG.reg.int.");
            let algorithm = Algorithm::from_full_name(&full).expect("a known algorithm");
            let key = Key::new(algorithm, b"Jefe");
            let data = b"what do ya want for nothing?";
            let mut signature = Vec::new();
            key.sign(data, &mut signature);
            assert_eq!(signature, hex(expected));
            assert_eq!(signature.len(), algorithm.signature_length() as usize);
            assert!(key.verify(data, &signature));
            assert!(
                !key.verify(data, &signature[1..]) && !key.verify(data, b"") && !key.verify(b"", &signature)
            );
        }
        for name in ["hmac-md5", "hmac-md5.example.", "é", "", "hmac-md4.SIG-ALG.REG.INT."] {
            assert_eq!(Algorithm::from_full_name(name), None);
        }
    }
}
