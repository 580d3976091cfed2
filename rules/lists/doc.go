// Package lists turns block lists of other programs into lists of dpilab: files of domains and of prefixes as rules.List has them.
//
// Import reads files of one format each and gives what they have together: sorted, without duplicates, without entries that others
// cover, and with a Report of every line that could not be used. It reads line by line and keeps entries packed, so that memory
// grows with what is kept, not with what is read, and ends in an error at Options.MaxMemory.
//
// # Formats
//
// Each says what it means by a name, and that is kept: a hosts file is about a name alone (=name.tld), a hostlist about all under it
// as well (name.tld).
//
//	plain      a name a line, or any form of rules.List; a leading dot (.name.tld) is the name and all under it
//	hosts      an address and names a line, hosts(5): 0.0.0.0, 127.0.0.0/8, :: and ::1 block; other addresses are not expressible
//	adblock    ||name^ is a name and all under it, |https://name^ that name (https://adblockplus.org/filter-cheatsheet,
//	           https://github.com/AdguardTeam/AdGuardHome/wiki/Hosts-Blocklists); what depends on pages, types of request or paths
//	           is not expressible, and exceptions (@@) go to a list of their own
//	zapret     hostlists of nfqws and tpws (bol-van/zapret, docs/readme.md and nfq/hostlist.c): a name with all under it a line, ^name
//	           is that name only, comments begin with #, ; or /, stars have no meaning there
//	v2fly      domain-list-community text (v2fly/domain-list-community, README.md and main.go): domain:, full:, keyword:, regexp:,
//	           include: from the same folder, @attributes, &affiliations where the folder is given
//	geosite    .dat of the same, a protobuf GeoSiteList (v2fly/v2ray-core, app/router/routercommon/common.proto)
//	citizenlab test lists, CSV with a column url (citizenlab/test-lists, docs/spec.md)
//	ooni       CSV with a column input, url, domain or hostname; of measurements and of counts (ooni/backend, the API's aggregation with
//	           format=CSV) only the confirmed ones (columns confirmed, confirmed_count), with Options.Anomalies the anomalies too
//	rkn        dump.csv of the Russian register (zapret-info/z-i, here as its readers have it, such as georgekart/RuBannedList): cp1251,
//	           ip | ip;domain;url;organisation;number;date
//	cidr       prefixes, addresses and ranges a-b a line, comments begin with # or ;
//	geoip      .dat with a protobuf GeoIPList (as geosite), a list a country code
//	mmdb       MaxMind DB, by country or AS number (https://maxmind.github.io/MaxMind-DB/)
//
// Any of them may be packed with gzip.
//
// keyword: of v2fly is a piece of a name, so it becomes *piece*; keyword: of rules.List is a whole label. Regular expressions stay what they
// are, with # written as \x23.
//
// In the register's dump a name without star is that name, *.name what is under it, as written. Addresses count where an entry has no
// name, subnets always: addresses beside a name are where it pointed (choice).
//
// # Names
//
// Names get their ASCII form (IDNA lookup, RFC 5891 section 5), label by label, where they have other letters. ASCII labels stay as they
// are, in lower case: underscores and broken punycode are seen on wires, too. A last dot is dropped.
//
// # Goroutines
//
// Import may be called by several goroutines at once; a Result is for one at a time.
package lists
