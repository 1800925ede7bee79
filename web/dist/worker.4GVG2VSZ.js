import{p as e}from"./shared.HZOC5KEA.js";self.onconnect=n=>{let o=n.ports[0];o.onmessage=t=>e(o,t.data)};
