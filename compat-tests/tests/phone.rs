//! The example for phones, our server, and the script that asks as a phone does. Root is needed.

use compat_tests::ground::{Ground, Result, Wish, ours, run, say, serve};
use std::path::Path;

/// What the example says; the scenario `inform-phone` compares the octets with the real program's.
const SUB_OPTIONS: [&str; 5] = [
    "option 43.1: MS-UC-Client",
    "option 43.2: https",
    "option 43.3: pool.example.org",
    "option 43.4: 443",
    "option 43.5: /CertProv/CertProvisioningService.svc",
];

#[test]
fn a_phone_is_told_where_certificates_and_sip_servers_are() -> Result<()> {
    let contrib = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").join("contrib");
    let example = std::fs::read_to_string(contrib.join("example/phones.conf")).map_err(say("example"))?;
    let wish = Wish { server: &["10.9.0.1/24"], clients: &["10.9.0.7/24"], ..Wish::default() };
    let ground = Ground::new(&wish)?;
    let leases = ground.directory().join("dhcpd.leases").display().to_string();
    let _server = serve(&ground, &ours()?, &example, &leases)?;
    let ask = |hardware: &str| {
        let mut command = ground.at_clients("python3");
        run(command.arg(contrib.join("ask-as-phone")).args(["10.9.0.7", "10.9.0.1", hardware]))
    };
    for (hardware, names) in [
        ("02:00:00:00:00:01", "option 120: encoding 0 pool.example.org"),
        ("02:00:00:00:00:62", "option 120: encoding 0 pool.example.org sip.example.org"),
    ] {
        let said = ask(hardware)?;
        for line in SUB_OPTIONS.iter().chain([&names]) {
            assert!(said.lines().any(|found| found == *line), "{line} is not in:\n{said}");
        }
    }
    Ok(())
}
