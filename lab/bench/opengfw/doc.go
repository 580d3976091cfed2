// Opengfw-box runs the engine of OpenGFW v0.4.1 as a box, to be measured beside dpilab's.
//
// Its engine, analyzers and rule language are what is imported, unmodified. Only the packet I/O is written here, because that of
// OpenGFW asks the kernel for conntrack data (NFQA_CFG_F_CONNTRACK), which kernels without CONFIG_NETFILTER_NETLINK_GLUE_CT refuse, and
// tells its verdicts on streams by conntrack marks. Here a stream's id is a hash of its 5-tuple instead of conntrack's id, and a verdict
// on a stream is a packet mark. The rest is as there: packets come and verdicts go by the same version of go-nfqueue, one message each,
// verdicts straight from the engine's workers.
//
// The rules in the kernel are dpilab's own (dpilab/dpi/nfq.Attach): the same queueing, the same sets of passed and dropped flows. A
// stream that was blocked comes back to the engine after two seconds, as with dpilab; OpenGFW's own rules would drop it for the life of
// its conntrack entry.
//
// What is easier for it than in real use: nothing is logged; the program's log writes a line about every stream that a rule decides.
// The queue is dpilab's default of 4,096 packets, not OpenGFW's of 128, and its socket's buffer is as large as dpilab's asks for.
//
//	opengfw-box rules --count 1000 --output rules.yaml
//	opengfw-box rules --domains 100000 --geosite list.dat --output rules.yaml
//	opengfw-box --inside IF --outside IF --rules rules.yaml [--geosite list.dat]
//
// The second form needs a network namespace with a bridge whose ports are the two interfaces. It prints "ready" when packets flow, ends
// on SIGTERM, SIGINT or the end of its input, removes all that it made, and prints its counters as one line of JSON.
//
// OpenGFW is under the Mozilla Public License 2.0. It is a dependency of this module alone: dpilab neither contains nor needs it.
package main
