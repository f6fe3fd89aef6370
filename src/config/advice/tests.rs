use super::*;
use crate::config::{Family, Input, parse};
use crate::syntax::source::SourceId;

fn explained(text: &str) -> Vec<Finding> {
    explained_of(Family::V4, text)
}

fn explained_of(family: Family, text: &str) -> Vec<Finding> {
    let input = Input { name: "F", text: text.as_bytes().to_vec(), family, interfaces: &[] };
    let mut ignore = |_: Line| {};
    let mut listener = Listener { forward: &mut ignore, diagnostics: Vec::new() };
    let mut none = |_: &str| Err(std::io::Error::other("no includes"));
    let config = parse(input, &mut none, &mut listener).ok();
    let sources = [Source::new("F", text.as_bytes(), SourceId(0))];
    findings(&listener.diagnostics, config.as_ref(), &sources)
}

fn codes(text: &str) -> Vec<&'static str> {
    explained(text).iter().map(|finding| finding.code).collect()
}

const NET: &str = "subnet 10.0.0.0 netmask 255.255.255.0 { range 10.0.0.10 10.0.0.20; }\n";

#[test]
fn a_good_configuration_is_left_alone() {
    assert_eq!(codes(&format!("authoritative;\noption domain-name \"x\";\n{NET}")), [""; 0]);
}

#[test]
fn an_unknown_word_is_named_with_what_was_meant() {
    let found = explained("auhhoritative;\n");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].severity, found[0].code), (Severity::Warning, "unknown-word"));
    assert_eq!(found[0].hint.as_deref(), Some("did you mean `authoritative`?"));
    let place = found[0].place.as_ref().expect("a place");
    assert_eq!((place.line, place.column), (1, 1));
}

#[test]
fn an_unknown_option_is_named_with_what_was_meant() {
    let found = explained("option ruoters 10.0.0.1;\n");
    assert_eq!((found[0].severity, found[0].code), (Severity::Error, "no-option"));
    assert_eq!(found[0].hint.as_deref(), Some("did you mean `routers`?"));
}

#[test]
fn the_earlier_declaration_is_shown() {
    let found = explained("host a { }\nhost a { }\n");
    let (place, _) = found[0].related.as_ref().expect("the first one");
    assert_eq!((place.line, place.column, found[0].code), (1, 1, "already-exists"));
}

/// Ranges in the subnet inside, permits for nobody, parameters.
const MORE_MISTAKES: &[(&str, &str)] = &[
    (
        "shared-network n { subnet 10.0.0.0 netmask 255.255.0.0 { range 10.0.1.5; } subnet 10.0.1.0 netmask 255.255.255.0 { } }\n",
        "range-shadowed",
    ),
    (
        "class \"c\" { } subnet 10.0.0.0 netmask 255.255.255.0 { pool { allow members of \"c\"; range 10.0.0.1; } }\n",
        "permit-never-applies",
    ),
    (
        "subnet 10.0.0.0 netmask 255.255.255.0 { pool { allow known-clients; deny known-clients; range 10.0.0.1; } }\n",
        "pool-never-used",
    ),
    ("default-lease-time 5;\ndefault-lease-time 6;\n", "set-twice"),
];

#[test]
fn overlapping_ranges_show_both() {
    let text =
        "subnet 10.0.0.0 netmask 255.255.255.0 { range 10.0.0.5 10.0.0.9; range 10.0.0.9 10.0.0.12; }\n";
    assert!(codes(text).contains(&"declared-twice"), "{:?}", codes(text));
    let text = "subnet6 2001:db8::/48 { range6 2001:db8::/64; }\n\
                subnet6 2001:db8:1::/48 { pool6 { range6 2001:db8:1::/64; } pool6 { range6 2001:db8:1::/112; } }\n";
    let found = explained_of(Family::V6, text);
    assert_eq!(found.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["range-overlaps"]);
    let (place, related) = (found[0].place.as_ref().unwrap(), &found[0].related.as_ref().unwrap().0);
    assert_eq!((place.line, related.line), (2, 2));
    assert!(place.column > related.column);
}

#[test]
fn mistakes_of_a_v6_configuration() {
    let cases = [
        ("host h { fixed-address6 2001:db9::1; }", "host-outside"),
        (
            "subnet6 2001:db8:1::/64 { pool6 { range6 2001:db8:1::/112; allow dynamic bootp clients; } }",
            "permit-never-applies",
        ),
        (
            "subnet6 2001:db8:1::/64 { pool6 { range6 2001:db8:1::/112; deny all clients; } }",
            "pool-never-used",
        ),
    ];
    for (text, code) in cases {
        let text = format!("subnet6 2001:db8::/64 {{ }}\n{text}\n");
        let found: Vec<_> = explained_of(Family::V6, &text).iter().map(|finding| finding.code).collect();
        assert_eq!(found, [code], "{text}");
    }
}

#[test]
fn silent_mistakes() {
    let cases = [
        ("option domain-name \"a\";\noption domain-name \"b\";\n", "set-twice"),
        ("key k { algorithm hmac-md5; secret \"QUFBQQ==\"; }\n", "md5-key"),
        (
            "subnet 10.0.0.0 netmask 255.255.255.0 { }\nhost h { hardware ethernet 1:2:3:4:5:6; fixed-address 10.9.0.1; }\n",
            "host-outside",
        ),
        ("class \"c\" { match hardware; option domain-name \"x\"; }\n", "class-matches-nothing"),
        (
            "subnet 10.0.0.0 netmask 255.255.255.0 { pool { allow authenticated clients; range 10.0.0.1; } }\n",
            "permit-never-applies",
        ),
        (
            "subnet 10.0.0.0 netmask 255.255.255.0 { pool { deny all clients; range 10.0.0.1; } }\n",
            "pool-never-used",
        ),
    ];
    for (text, code) in cases.into_iter().chain(MORE_MISTAKES.iter().copied()) {
        assert!(codes(text).contains(&code), "{text}: {:?}", codes(text));
    }
}

#[test]
fn both_views_carry_everything() {
    let found = explained("option ruoters 10.0.0.1;\n");
    let shown = text(&found);
    assert!(shown.starts_with("F:1:8: error: unknown option dhcp.ruoters [no-option]\n  1 | option ruoters 10.0.0.1;\n    |        ^^^^^^^\n"), "{shown}");
    let value = json(&found);
    assert!(
        value.starts_with("[\n  {\"severity\": \"error\", \"code\": \"no-option\", \"message\": "),
        "{value}"
    );
    assert!(
        value.contains("\"place\": {\"file\": \"F\", \"line\": 1, \"column\": 8, \"length\": 7}"),
        "{value}"
    );
}
