package desync_test

import (
	"context"
	"fmt"

	"dpilab/lab"
	"dpilab/scenarios/desync"
)

func ExampleParse() {
	s, err := desync.Parse("split midsni; fake ttl auto badseq")
	fmt.Println(s, err)
	_, err = desync.Parse("split in the middle")
	fmt.Println(err)
	// Output:
	// fake sni www.w3.org ttl auto badseq -10000; split midsni <nil>
	// desync "split in the middle": split: found "in"; expected a place such as 3, -5, sni+1, midsni, endsni-2, sniext or host
}

func ExampleStrategy_Dialer() {
	lab.Enter()
	topology, _ := lab.OpenTopology("subscriber")
	l, err := lab.Build(context.Background(), topology, lab.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	client, server := l.Host("client"), l.Host("x")
	in, _ := server.Listen(context.Background(), "tcp", ":443")
	go func() {
		c, _ := in.Accept()
		b := make([]byte, 100)
		n, _ := c.Read(b)
		fmt.Fprintf(c, "%d bytes in the first segment", n)
		c.Close()
	}()
	d := desync.Must("split 2; delay 50ms").Dialer(client.Do)
	c, err := d.DialContext(context.Background(), "tcp", server.Addr4().String()+":443")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(c, "hello")
	b := make([]byte, 100)
	n, _ := c.Read(b)
	fmt.Println(string(b[:n]))
}
