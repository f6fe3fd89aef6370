# What Text::DHCPLeases makes of a lease file.
use strict;
use warnings;
use Text::DHCPLeases;
print Text::DHCPLeases->new(file => $ARGV[0])->print;
