// The site's search runs in a worker. Browsers start none from a page on the disk, so there a hidden frame does its work,
// under the name by which the search knows such frames.
if (location.protocol === "file:") {
  window.IFrameWorker = window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.appendChild(frame);
      this.inside = frame.contentWindow;
      this.loaded = Promise.resolve();
      this.inside.importScripts = (...urls) => this.load(urls);
      this.inside.postMessage = (data) => {
        const event = new MessageEvent("message", { data });
        this.dispatchEvent(event);
        this.onmessage?.(event);
      };
      this.load([url]);
    }

    load(urls) {
      for (const url of urls) {
        this.loaded = this.loaded.then(() => new Promise((done, failed) => {
          const script = this.inside.document.createElement("script");
          Object.assign(script, { src: new URL(url, document.baseURI).href, onload: done, onerror: failed });
          this.inside.document.head.appendChild(script);
        }));
      }
      return this.loaded;
    }

    postMessage(data) {
      this.loaded.then(() => this.inside.dispatchEvent(new MessageEvent("message", { data })));
    }

    terminate() {
      this.inside.frameElement.remove();
    }
  };
}
