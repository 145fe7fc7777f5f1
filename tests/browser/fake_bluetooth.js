// Web Bluetooth made of nothing, put into a page before its own scripts: `fakeBluetooth` plays the sensors.
(() => {
  const full = (number) => `0000${number.toString(16).padStart(4, "0")}-0000-1000-8000-00805f9b34fb`;
  let busy = false;

  /** As in a real adapter, one operation at a time. */
  const operation = async (work) => {
    if (busy) throw new DOMException("GATT operation already in progress.", "NetworkError");
    busy = true;
    await new Promise((resolve) => setTimeout(resolve, 5));
    busy = false;
    return work();
  };

  class FakeCharacteristic extends EventTarget {
    constructor(number) {
      super();
      this.uuid = full(number);
      this.value = null;
      this.notifying = false;
      this.written = [];
    }

    startNotifications() {
      return operation(() => {
        this.notifying = true;
        return this;
      });
    }

    readValue() {
      return operation(() => this.value ?? new DataView(new ArrayBuffer(0)));
    }

    writeValueWithResponse(value) {
      return operation(() => void this.written.push(Array.from(new Uint8Array(value.buffer ?? value))));
    }
  }

  class FakeSensor extends EventTarget {
    constructor(name, services) {
      super();
      this.id = `fake-${name}`;
      this.name = name;
      this.reachable = true;
      this.connections = 0;
      this.characteristics = new Map();
      this.services = new Map();
      for (const [service, characteristics] of Object.entries(services)) {
        const known = new Map(characteristics.map((number) => [number, new FakeCharacteristic(number)]));
        for (const [number, one] of known) this.characteristics.set(number, one);
        this.services.set(Number(service), known);
      }
      const missing = () => Promise.reject(new DOMException("Nothing of that kind.", "NotFoundError"));
      const gatt = {
        connected: false,
        connect: () =>
          operation(() => {
            if (!this.reachable) throw new DOMException("Out of reach.", "NetworkError");
            gatt.connected = true;
            this.connections += 1;
            return gatt;
          }),
        disconnect: () => this.lose(),
        getPrimaryService: (number) => {
          const service = this.services.get(number);
          if (!service) return missing();
          const getCharacteristic = (code) => {
            const found = service.get(code);
            return found ? operation(() => found) : missing();
          };
          return operation(() => ({ uuid: full(number), getCharacteristic }));
        },
      };
      this.gatt = gatt;
    }

    send(number, octets) {
      const characteristic = this.characteristics.get(number);
      if (!this.gatt.connected || !characteristic?.notifying) return false;
      characteristic.value = new DataView(Uint8Array.from(octets).buffer);
      characteristic.dispatchEvent(new Event("characteristicvaluechanged"));
      return true;
    }

    lose() {
      if (!this.gatt.connected) return;
      this.gatt.connected = false;
      for (const one of this.characteristics.values()) one.notifying = false;
      this.dispatchEvent(new Event("gattserverdisconnected"));
    }
  }

  const sensors = new Map();
  let chosen = null;
  const bluetooth = {
    wanted: null,
    async requestDevice(options) {
      bluetooth.wanted = options;
      if (chosen === null) throw new DOMException("Nothing was chosen.", "NotFoundError");
      return chosen;
    },
  };
  if (globalThis.navigator) Object.defineProperty(globalThis.navigator, "bluetooth", { value: bluetooth, configurable: true });
  globalThis.fakeBluetooth = {
    bluetooth,
    FakeSensor,
    sensors,
    /** Make a sensor, and let the next choice be it. */
    choose(name, services) {
      chosen = sensors.get(name) ?? new FakeSensor(name, services);
      sensors.set(name, chosen);
      return chosen;
    },
    chooseNone() {
      chosen = null;
    },
  };
})();
