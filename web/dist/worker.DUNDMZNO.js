import{p as e}from"./shared.VKAISYH7.js";var s=e();self.onconnect=n=>{let o=n.ports[0];o.onmessage=t=>s(o,t.data)};
